"""Storing messages, and what a handler decided to store."""
