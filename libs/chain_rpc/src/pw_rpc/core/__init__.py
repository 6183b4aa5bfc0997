"""The one conversion: no clock, no network, no randomness."""
