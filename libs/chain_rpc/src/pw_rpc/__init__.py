"""A Solana JSON-RPC node: asking it, and its blocks as the updates of a Yellowstone source."""
