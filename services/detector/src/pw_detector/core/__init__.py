"""Where to begin, what applies, what is new and what is missing. Pure."""
