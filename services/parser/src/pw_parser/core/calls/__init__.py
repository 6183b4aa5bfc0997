"""Who called whom with what, and what they said of it."""
