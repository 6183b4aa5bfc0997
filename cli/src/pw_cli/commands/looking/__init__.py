"""Tokens, wallets, and what a text finds: looked up in a running system."""
