"""What people ask for, and whether it is so."""
