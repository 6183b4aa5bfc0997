"""Keeps what was found, and answers for it."""
