"""What history exported as Parquet, read without the API."""
