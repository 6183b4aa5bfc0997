"""When an alert begins, goes on and ends, and what it says."""
