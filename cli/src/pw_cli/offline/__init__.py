"""The cores over files: captures, typed lines, Parquet."""
