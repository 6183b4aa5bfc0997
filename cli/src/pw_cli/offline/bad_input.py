"""What a command cannot read, in a sentence: which file, where in it, and what is allowed."""

from __future__ import annotations


class BadInput(ValueError):
    """Lines or Parquet that cannot be used; says which file, where, and what is allowed."""
