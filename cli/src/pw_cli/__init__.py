"""`pw`: the command line of Pocketwatcher."""
