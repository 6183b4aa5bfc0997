"""The parser: one PW_TX message in, exactly one PW_SWAP batch out."""
