"""What a stream asks for."""
