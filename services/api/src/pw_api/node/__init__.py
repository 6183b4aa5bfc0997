"""What the API asks of a JSON-RPC node, where one is set."""
