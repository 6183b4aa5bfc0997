"""Captures and markets, without a broker."""
