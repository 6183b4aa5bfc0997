"""A slot that is complete: what happened in it, in chain order, and where it was read."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias

from pw_common.wire.messages import QuoteTrade, RoundTrip, Swap, TokenCreated, Transfer
from pw_common.wire.pools import PoolEvent


class TxPosition(NamedTuple):
    """Where a message stands in PW_TX; `incarnation` counts how often its sequences began again."""

    incarnation: int
    tx_seq: int


BEGINNING: Final = TxPosition(0, 1)


@dataclass(frozen=True)
class ClosedSlot:
    """A complete slot. `reset` says that a discontinuity lies before it: windows start empty.

    Swaps and the others are in chain order: (index, signature, ordinal). `tx_position` is the
    message that closed it, `swap_seq` where PW_SWAP has its batch: a reader of the same
    streams again finds it closed there again, whatever was waited for meanwhile.
    """

    slot: int
    event_time_ms: int
    reset: bool
    swaps: tuple[Swap, ...] = ()
    tokens: tuple[TokenCreated, ...] = ()
    quotes: tuple[QuoteTrade, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    round_trips: tuple[RoundTrip, ...] = ()
    tx_position: TxPosition = field(default=TxPosition(0, 0), compare=False)
    swap_seq: int = field(default=0, compare=False)
    # A part of a recorded gap that was filled in after later slots had closed: it counts in
    # the windows, and fires nothing.
    amends: bool = False
    # Of each source that says so, the narrowest filter that brought a part of it.
    filters: tuple[tuple[str, str], ...] = ()
    # Blocks between the one before and this are missing: nobody knows what happened in them.
    is_broken: bool = False
    # What venues said of their pools: only where the reader asked for it.
    pools: tuple[PoolEvent, ...] = ()
    # Slots that were closed as broken, and before which everything is there by now.
    mends: tuple[int, ...] = ()
    # What amends lies before the present session, or before all of it that is remembered. It
    # has the time of its own block, is in no window, and may be a repeat of an older session's.
    is_before_session: bool = False


Placed: TypeAlias = Swap | TokenCreated | QuoteTrade | Transfer | RoundTrip | PoolEvent
# The same, in the form that isinstance is quick with.
Kinds: TypeAlias = tuple[type[Placed], ...]
PLACED: Final[Kinds] = (Swap, TokenCreated, QuoteTrade, Transfer, RoundTrip)
# Of a reader that asks for pools as well.
WITH_POOLS: Final[Kinds] = (*PLACED, PoolEvent)
CHAIN_ORDER: Final = attrgetter("index", "signature", "ordinal")
