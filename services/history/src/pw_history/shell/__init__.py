"""Between the broker and the store."""
