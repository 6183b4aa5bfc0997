"""Which words a field of a model may have, for errors that say what is allowed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from msgspec import inspect

# Steps of a path in msgspec's words: `entries`, `[3]`, `[...]` for any key of a mapping.
_STEP: Final = re.compile(r"\[[^\]]*\]|[^.\[\]]+")


def choices_at(model: Any, path: str) -> tuple[str, ...]:
    """The words that the field at a path may have; none where it is not a choice of words.

    Args:
        model: The type that a value was read as.
        path: Where in it, as msgspec says it without the leading `$.`: `entries[3].kind`.
    """
    kinds = [inspect.type_info(model)]
    for step in _STEP.findall(path):
        kinds = [inner for kind in kinds for inner in _inner(kind, step)]
    found = {word for kind in kinds for word in _words(kind)}
    return tuple(sorted(found))


def _inner(kind: inspect.Type, step: str) -> Iterator[inspect.Type]:
    match kind:
        case inspect.UnionType(types=types):
            for one in types:
                yield from _inner(one, step)
        case inspect.Metadata(type=one):
            yield from _inner(one, step)
        case inspect.StructType(fields=fields):
            yield from (one.type for one in fields if one.encode_name == step)
        case inspect.DictType(value_type=one):
            yield one
        case inspect.CollectionType(item_type=one) if step.startswith("["):
            yield one
        case _:
            pass


def _words(kind: inspect.Type) -> Iterator[str]:
    match kind:
        case inspect.UnionType(types=types):
            for one in types:
                yield from _words(one)
        case inspect.Metadata(type=one):
            yield from _words(one)
        case inspect.LiteralType(values=values):
            yield from map(str, values)
        case _:
            pass
