"""Pure: what an update is, who wants it, when it is due, how a pass is shifted."""
