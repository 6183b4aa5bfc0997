"""`pw up`: the whole system as child processes of one command, without containers."""
