"""The decisions of ingest: no clock, no network, no randomness."""
