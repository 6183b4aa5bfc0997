"""Status, gaps, dead letters and recent swaps over HTTP."""
