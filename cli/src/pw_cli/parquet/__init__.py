"""History's Parquet files, read and never written."""
