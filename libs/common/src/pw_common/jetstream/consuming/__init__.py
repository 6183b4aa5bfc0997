"""Taking messages from streams: by position, or acknowledged one at a time."""
