"""What `pw up` says at its end."""
