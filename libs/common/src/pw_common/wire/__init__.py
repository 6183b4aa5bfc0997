"""What travels between services: messages, alerts, envelopes, captures. Knows nobody."""
