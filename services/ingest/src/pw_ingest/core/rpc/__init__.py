"""Which blocks and transactions of a JSON-RPC node are asked for."""
