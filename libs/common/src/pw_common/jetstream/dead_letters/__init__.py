"""Dead letters sent back to where they came from: for `pw dlq replay` and for the API."""
