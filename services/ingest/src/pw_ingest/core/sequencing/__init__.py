"""From updates to messages in order, and where to go on."""
