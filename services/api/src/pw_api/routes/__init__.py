"""Each operation of the REST API."""
