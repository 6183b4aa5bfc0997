"""Every venue whose instructions and events are known here, by the name it has in `programs`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Final

from pw_parser.core import venues
from pw_parser.core.venues.venue import Venue


def _found() -> Iterator[Venue]:
    """The `VENUE` of every module beside and below this one, by name: a new file is enough."""
    below = pkgutil.walk_packages(venues.__path__, f"{venues.__name__}.")
    for name in sorted(one.name for one in below):
        if name != __name__:
            venue = getattr(importlib.import_module(name), "VENUE", None)
            if isinstance(venue, Venue):
                yield venue


_ALL: Final = tuple(_found())
VENUES: Final[Mapping[str, Venue]] = {venue.name: venue for venue in _ALL}
# Layouts whose events repeat what the venues below them did.
ROUTERS: Final = frozenset(venue.name for venue in _ALL if venue.router)


def is_no_trade(venue: str, data: bytes) -> bool:
    """Whether a venue's layout knows an instruction, as one that trades nothing."""
    known = VENUES.get(venue)
    name = None if known is None else known.instruction(data)
    return known is not None and name is not None and name not in known.trades
