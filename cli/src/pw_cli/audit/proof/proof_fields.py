"""What a proof's file says that no reader takes: unknown fields, and fields named twice. Pure.

Stored messages may have fields that a later version added, so their decoder passes over what it
does not know. A reader of a checked file assumes that every field in it was checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from msgspec import inspect

from pw_common.documents.proofs import AlertProof

NAMED_MAX: Final = 5
_PROOF: Final = inspect.type_info(AlertProof)


def surplus_of(body: bytes) -> list[str]:
    """Where a file that decodes as a proof says more than is read: the first few, in words.

    Raises:
        ValueError, RecursionError: what is passed over in it is not JSON that Python reads.
    """
    twice: list[str] = []

    def read(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                twice.append(f"the field {name!r} stands twice in one object")
            found[name] = value
        return found

    # Numbers stay text: only the names matter.
    tree = json.loads(body, object_pairs_hook=read, parse_int=str, parse_float=str)
    unknown = (f"no such field: {path}" for path in _unknown(tree, _PROOF, ""))
    return [*twice, *islice(unknown, NAMED_MAX)][:NAMED_MAX]


def _unknown(value: Any, kind: inspect.Type, path: str) -> Iterator[str]:
    if isinstance(kind, inspect.UnionType):
        # None and absent have no fields.
        for one in kind.types:
            yield from _unknown(value, one, path)
    elif isinstance(kind, inspect.StructType) and isinstance(value, dict):
        known = {one.encode_name: one.type for one in kind.fields}
        for name, one in value.items():
            below = f"{path}.{name}" if path else name
            if name in known:
                yield from _unknown(one, known[name], below)
            elif name != kind.tag_field:
                yield below
    elif isinstance(kind, inspect.VarTupleType | inspect.ListType) and isinstance(value, list):
        for at, one in enumerate(value):
            yield from _unknown(one, kind.item_type, f"{path}[{at}]")
    elif isinstance(kind, inspect.DictType) and isinstance(value, dict):
        for name, one in value.items():
            yield from _unknown(one, kind.value_type, f"{path}.{name}")
