"""The broker: the only package that imports nats."""
