"""What is asked, and the rows that answer it: reading only."""
