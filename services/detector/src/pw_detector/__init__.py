"""The detector: closed slots in, alerts out; one is active, and a second does no harm."""
