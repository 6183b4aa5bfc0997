"""What fits a terminal."""
