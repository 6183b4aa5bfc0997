"""What each revision of a document changed. Pure."""

from __future__ import annotations

from typing import Any, TypeAlias

Entries: TypeAlias = list[dict[str, Any]]
Difference: TypeAlias = dict[str, list[str]]


def difference(
    before: Entries | None, after: Entries | None, identity: tuple[str, ...]
) -> Difference | None:
    """The names that were `added`, `removed` and `changed`, each in order.

    Args:
        before: The entries before the change; None where nobody knows them.
        after: The entries after it; None where nobody knows them.
        identity: The fields that distinguish two entries, which together are its name.

    Returns:
        None where one of the two is not known: then neither is what changed.
    """
    if before is None or after is None:
        return None
    old = {_name(one, identity): one for one in before}
    new = {_name(one, identity): one for one in after}
    both = new.keys() & old.keys()
    return {
        "added": sorted(new.keys() - old.keys()),
        "removed": sorted(old.keys() - new.keys()),
        "changed": sorted(name for name in both if new[name] != old[name]),
    }


def _name(entry: dict[str, Any], identity: tuple[str, ...]) -> str:
    # A field that has its default may be left out of what is stored.
    return " ".join(str(entry[part]) for part in identity if part in entry)
