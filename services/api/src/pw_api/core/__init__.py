"""Pure decisions of the API: mode, queries, presentation."""
