"""Generated Yellowstone protobuf code; see `proto/` and `make proto`."""
