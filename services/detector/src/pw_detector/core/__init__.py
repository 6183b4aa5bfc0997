"""Where to begin and what applies. Pure."""
