"""Where files are, below the root. Pure.

`swaps/date=2026-11-27/hour=07/revision=2/swaps.parquet`: times are UTC. A file is never changed; a
correction is a file of the next revision.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

MANIFEST: Final = "manifest.json"


def hour_folder(table: str, hour_ms: int) -> str:
    """The folder of an hour, with all its revisions."""
    at = datetime.fromtimestamp(hour_ms // 1000, UTC)
    return f"{table}/date={at:%Y-%m-%d}/hour={at:%H}"


def file_path(table: str, hour_ms: int, revision: int) -> str:
    """The file of an hour's revision."""
    return f"{hour_folder(table, hour_ms)}/revision={revision}/{table}.parquet"
