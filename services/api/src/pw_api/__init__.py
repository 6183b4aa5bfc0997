"""What is, what was and what is configured, over HTTP."""
