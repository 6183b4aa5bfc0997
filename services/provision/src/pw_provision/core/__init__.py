"""Pure: what differs, and whether it may be changed."""
