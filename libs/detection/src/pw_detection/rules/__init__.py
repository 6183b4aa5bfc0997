"""What people ask for, and whether it holds."""
