"""What is stored: checked, copied, filled, sent back."""
