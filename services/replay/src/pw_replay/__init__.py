"""A Yellowstone-compatible gRPC server over captures or a generated market."""
