"""What is open and what closed within one epoch. Pure."""
