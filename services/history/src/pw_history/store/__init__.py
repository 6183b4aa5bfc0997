"""The one file in which everything is kept."""
