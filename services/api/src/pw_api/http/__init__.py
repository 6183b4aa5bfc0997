"""The server itself: who may ask, how much, and what an error looks like."""
