"""Closed hours as Parquet files, with a manifest that says which of them are current."""
