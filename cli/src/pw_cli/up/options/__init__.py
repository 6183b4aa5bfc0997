"""What `pw up` is asked for."""
