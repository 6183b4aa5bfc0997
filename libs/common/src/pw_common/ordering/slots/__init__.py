"""What is open and what closed within one session. Pure."""
