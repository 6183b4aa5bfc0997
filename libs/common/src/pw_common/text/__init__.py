"""What any text is made of: plain, redacted, encoded."""
