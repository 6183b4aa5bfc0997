"""One-shot: makes the broker what `pw_common.topology.streams` declares, or says why not."""
