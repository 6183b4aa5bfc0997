"""Raydium's programs."""
