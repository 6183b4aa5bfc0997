"""What `pw up` shows."""
