"""What the detector keeps at the broker."""
