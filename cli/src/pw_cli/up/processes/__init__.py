"""The processes of `pw up`."""
