"""Meteora's programs."""
