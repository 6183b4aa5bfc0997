"""From PW_SWAP in stored order to PW_TX in its own: which queue, and whose turn. Pure."""
