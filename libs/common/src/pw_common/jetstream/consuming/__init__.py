"""Taking messages from streams: by position, or acknowledged one by one."""
