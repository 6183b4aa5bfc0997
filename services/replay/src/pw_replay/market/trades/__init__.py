"""The trades of the generated market."""
