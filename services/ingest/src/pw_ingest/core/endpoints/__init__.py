"""What an endpoint may claim, and which of them is used."""
