"""Pure: what is sent to whom, and what an answer means."""
