"""What each venue says of its own trades: one file a program, declared in `registry`."""
