"""What every Pocketwatcher service shares: messages, subjects, topology, loop, settings."""
