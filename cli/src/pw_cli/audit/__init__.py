"""What is stored, derived again and compared."""
