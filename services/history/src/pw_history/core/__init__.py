"""What history decides: pure."""
