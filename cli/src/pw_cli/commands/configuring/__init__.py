"""Rules, lists, channels, programs."""
