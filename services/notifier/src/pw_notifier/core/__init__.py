"""Pure: what is said to whom, and what an answer means."""
