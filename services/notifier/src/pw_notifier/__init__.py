"""Delivers alerts to people, and says when the system itself cannot see."""
