"""Ingest: subscribes to a Yellowstone source and stores its updates, untouched, in PW_TX."""
