"""Copies of what is stored."""
