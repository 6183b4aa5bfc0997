"""What the API reads from the broker."""
