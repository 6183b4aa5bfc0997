"""What could not be read, and where it goes back to."""
