"""What each revision of a document changed. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

Entries: TypeAlias = list[dict[str, Any]]


def with_differences(
    revisions: list[dict[str, Any]], *, field: str, identity: tuple[str, ...], below: Entries
) -> Iterator[dict[str, Any]]:
    """Each revision with `diff`: what it added, removed and changed against the one before.

    Args:
        revisions: Newest first.
        field: What holds the entries of a revision.
        identity: The fields that distinguish two entries, which together are its name.
        below: The entries before the oldest of these revisions.
    """
    earlier = [*(one[field] for one in revisions[1:]), below][: len(revisions)]
    for revision, entries in zip(revisions, earlier, strict=True):
        before = {_name(one, identity): one for one in entries}
        after = {_name(one, identity): one for one in revision[field]}
        both = after.keys() & before.keys()
        difference = {
            "added": sorted(after.keys() - before.keys()),
            "removed": sorted(before.keys() - after.keys()),
            "changed": sorted(name for name in both if after[name] != before[name]),
        }
        yield {**revision, "diff": difference}


def _name(entry: dict[str, Any], identity: tuple[str, ...]) -> str:
    # A field that has its default may be left out of what is stored.
    return " ".join(str(entry[part]) for part in identity if part in entry)
