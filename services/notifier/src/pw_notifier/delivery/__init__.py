"""From an alert to a channel that took it."""
