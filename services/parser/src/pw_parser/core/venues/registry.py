"""Every venue whose instructions and events are known here, by the name it has in `programs`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pw_parser.core.venues import jupiter_v6, orca_whirlpool, pumpfun, pumpswap
from pw_parser.core.venues.meteora import (
    meteora_damm_v1,
    meteora_damm_v2,
    meteora_dbc,
    meteora_dlmm,
)
from pw_parser.core.venues.raydium import raydium_clmm, raydium_cpmm, raydium_launchlab, raydium_v4
from pw_parser.core.venues.venue import Venue

_ALL: Final[tuple[Venue, ...]] = (
    pumpfun.VENUE,
    pumpswap.VENUE,
    raydium_v4.VENUE,
    raydium_clmm.VENUE,
    raydium_cpmm.VENUE,
    raydium_launchlab.VENUE,
    orca_whirlpool.VENUE,
    meteora_dlmm.VENUE,
    meteora_damm_v1.VENUE,
    meteora_damm_v2.VENUE,
    meteora_dbc.VENUE,
    jupiter_v6.VENUE,
)

VENUES: Final[Mapping[str, Venue]] = {venue.name: venue for venue in _ALL}
# Layouts whose events repeat what the venues below them did.
ROUTERS: Final = frozenset(venue.name for venue in _ALL if venue.router)


def is_no_trade(venue: str, data: bytes) -> bool:
    """Whether a venue's layout knows an instruction, as one that trades nothing."""
    known = VENUES.get(venue)
    name = None if known is None else known.instruction(data)
    return known is not None and name is not None and name not in known.trades
