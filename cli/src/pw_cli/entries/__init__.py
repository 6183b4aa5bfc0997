"""What people write, one entry at a time."""
