"""Bytes to a transaction, and the tables that name programs."""
