"""What people write and the broker stores: typed, bounded, checked once."""
