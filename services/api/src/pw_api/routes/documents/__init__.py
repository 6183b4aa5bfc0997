"""Documents that people change: rules, lists, channels, programs, and who changed what."""
