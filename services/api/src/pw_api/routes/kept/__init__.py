"""What history keeps, over HTTP."""
