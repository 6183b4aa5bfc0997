"""What is missing, and the proof that it came."""
