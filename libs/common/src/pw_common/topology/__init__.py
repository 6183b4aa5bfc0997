"""What is declared once: subjects, streams, buckets, limits of the broker."""
