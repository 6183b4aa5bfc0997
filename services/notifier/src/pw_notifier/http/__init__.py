"""What is sent to and taken from receivers, bounded."""
