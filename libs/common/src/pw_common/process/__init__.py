"""What any process needs, whatever it does: clock, log, tasks, memory."""
