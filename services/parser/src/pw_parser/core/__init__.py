"""Pure parsing: bytes in, events or `Malformed` out; no I/O, clock or randomness."""
