"""Whose trade it was."""
