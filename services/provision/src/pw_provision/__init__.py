"""One-shot: makes the broker what `pw_common.topology` declares, or says why not."""
