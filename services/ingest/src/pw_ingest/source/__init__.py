"""Where updates come from."""
