"""What the API says: pure."""
