"""The verbs of `pw`: a file each."""
