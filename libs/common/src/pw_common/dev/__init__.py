"""For development alone."""
