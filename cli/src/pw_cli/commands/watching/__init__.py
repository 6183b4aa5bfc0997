"""What is going on, and why."""
