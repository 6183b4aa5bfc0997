"""What alerts say, in the form of each service: pure."""
