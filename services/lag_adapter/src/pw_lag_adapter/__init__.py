"""Answers external.metrics.k8s.io with the lag of a JetStream consumer."""
