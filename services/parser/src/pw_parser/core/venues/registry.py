"""Every venue whose instructions and events are known here, by the name it has in `programs`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pw_parser.core.venues.venue import Venue

_ALL: Final[tuple[Venue, ...]] = ()

VENUES: Final[Mapping[str, Venue]] = {venue.name: venue for venue in _ALL}
