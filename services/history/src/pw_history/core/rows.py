"""Closed slots as rows: pure.

| a slot that closed       | its session                                     |
| ------------------------ | ----------------------------------------------- |
| begins one (`reset`)     | the next number                                 |
| the first after a start  | the one in which reading begins again, though   |
|                          | it says `reset`; or that after it, by its time  |
| fills a gap from before  | 0: the store looks up whose time it is          |
| any other                | the present one                                 |

A row of a slot that was stored before is a repeat if its swap has the same signature and ordinal:
the store looks those up by slot, whatever session they were of.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import Any, Final, NamedTuple

from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.wire.messages import Swap, TokenCreated
from pw_common.wire.pools import PoolEvent

# Of swaps, in the order of the table. Text is kept as it came; amounts are raw units. What is said
# twice is null: `store/schema.py`.
SWAP_COLUMNS: Final = (
    "session", "slot", "event_time_ms", "tx_index", "signature", "ordinal", "trader", "side",
    "mint", "base_amount_raw", "base_decimals", "quote_mint", "quote_amount_raw", "quote_decimals",
    "venues", "route_hops", "confidence", "reasons", "fee_payer", "signers", "amended",
)  # fmt: skip
TOKEN_COLUMNS: Final = (
    "mint", "name", "symbol", "creator", "decimals", "supply_raw", "program", "signature",
    "ordinal", "slot", "tx_index", "event_time_ms",
)  # fmt: skip
CLOCK_EVERY_MS: Final = 10_000
# Of pools: what each said last within a minute. `venue` to `mint_b` tell which pool it is.
POOL_COLUMNS: Final = (
    "pool", "minute_ms", "venue", "mint_a", "mint_b", "reserve_a_raw", "reserve_b_raw",
    "virtual_a_raw", "virtual_b_raw", "slot", "tx_index", "ordinal",
)  # fmt: skip
# Of what changed a pool otherwise than by a trade.
CHANGE_COLUMNS: Final = (
    "pool", "what", "venue", "mint_a", "mint_b", "amount_a_raw", "amount_b_raw", "shares_raw",
    "lp_mint", "user", "to_pool", "signature", "ordinal", "slot", "tx_index", "event_time_ms",
)  # fmt: skip
MINUTE_MS: Final = 60_000
# Between the parts of a list. A name that a person gave to a program may have spaces, and no
# line breaks.
SEPARATOR: Final = "\n"


class Session(NamedTuple):
    """A run of the source without a discontinuity; `began_ms` is event time."""

    number: int
    began_slot: int
    began_ms: int


class Missing(NamedTuple):
    """Something is missing after this slot; what comes after it is not known yet."""

    why: str
    slot: int
    event_time_ms: int


class Hole(NamedTuple):
    """What is missing between two slots, both of which are there, and their event times."""

    why: str
    first_slot: int
    last_slot: int
    first_ms: int
    last_ms: int


@dataclass
class Rows:
    """What several slots hold, column by column."""

    swaps: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in SWAP_COLUMNS})
    tokens: dict[str, list[Any]] = field(
        default_factory=lambda: {name: [] for name in TOKEN_COLUMNS}
    )
    # By pool and minute.
    pools: dict[tuple[str, int], tuple[Any, ...]] = field(default_factory=dict)
    changes: list[tuple[Any, ...]] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    missing: Missing | None = None
    # A slot and its time, every so often: what tells when a gap was.
    clock: list[tuple[int, int]] = field(default_factory=list)
    # The newest slot in order, and the times of all; amended slots lie before it.
    slot: int = 0
    event_time_ms: int = 0
    slots: set[int] = field(default_factory=set)
    times_ms: set[int] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.swaps["slot"])

    def only(self, kept: Iterable[bool]) -> Rows:
        """With those swaps alone for which it says so, and all else."""
        which = list(kept)
        swaps = {name: list(compress(column, which)) for name, column in self.swaps.items()}
        return replace(self, swaps=swaps, times_ms=set(swaps["event_time_ms"]))


class RowMaker:
    """Turns closed slots into rows, and counts sessions.

    Args:
        session: The one that reading begins in, None where nothing was read before.
        goes_on: Whether the first slot belongs to it; else it begins the next one.
        last: The newest slot that is stored, and its event time.
        follows: The session after it, where that is stored: its first slot may be the first read.
        since_ms: Event time where reading begins.
    """

    def __init__(
        self,
        session: Session | None,
        *,
        goes_on: bool = True,
        last: tuple[int, int] = (0, 0),
        follows: Session | None = None,
        since_ms: int = 0,
    ) -> None:
        self.session = session
        self._follows = follows
        self._since_ms = since_ms
        self._goes_on = goes_on and session is not None
        self._last = last
        # Why something is missing before the next slot; empty where nothing is.
        self._missing = ""
        self._clock_ms = 0
        self.rows = Rows()

    @property
    def last(self) -> tuple[int, int]:
        """The newest slot in order, and its event time."""
        return self._last

    def miss(self, why: str) -> None:
        """Something is missing between the slot that was taken last and the next one."""
        self._missing = self._missing or why

    def take(self, one: ClosedSlot) -> None:
        """Add a slot to the rows."""
        self._enter(one)
        rows = self.rows
        if not one.amends:
            self._note_time(one)
        rows.slots.add(one.slot)
        for swap in one.swaps:
            rows.times_ms.add(one.event_time_ms)
            self._add_swap(swap, one)
        for token in one.tokens:
            self._add_token(token, one)
        for event in one.pools:
            self._add_pool(event, one)

    def give(self) -> Rows:
        """The rows so far; the next ones begin empty."""
        rows, self.rows = self.rows, Rows()
        rows.slot, rows.event_time_ms = self._last
        rows.missing = Missing(self._missing, *self._last) if self._missing else None
        return rows

    def _note_time(self, one: ClosedSlot) -> None:
        # What is read again overlaps what is stored: nothing lies between.
        if self._missing and one.slot > self._last[0]:
            hole = Hole(self._missing, self._last[0], one.slot, self._last[1], one.event_time_ms)
            self.rows.holes.append(hole)
        self._missing = ""
        self._last = one.slot, one.event_time_ms
        if one.reset or one.event_time_ms - self._clock_ms >= CLOCK_EVERY_MS:
            self._clock_ms = one.event_time_ms
            self.rows.clock.append(self._last)

    def _enter(self, one: ClosedSlot) -> None:
        if one.is_before_session:
            return  # It says nothing of the one in which it is read.
        goes_on, self._goes_on = self._goes_on, False
        if self.session is not None and (goes_on or not one.reset):
            if goes_on and self._has_ended(one):
                self.session = self._follows
            return
        number = 1 if self.session is None else self.session.number + 1
        self.session = Session(number, one.slot, one.event_time_ms)
        self.rows.sessions.append(self.session)

    def _has_ended(self, one: ClosedSlot) -> bool:
        """Whether reading began behind the last slot of its session."""
        if self._follows is None:
            return False
        if self._follows.began_ms > self._since_ms:
            return one.event_time_ms >= self._follows.began_ms
        # The one after it lies before it in time.
        return one.event_time_ms < self._since_ms

    def _add_swap(self, swap: Swap, one: ClosedSlot) -> None:
        session = 0 if one.is_before_session or self.session is None else self.session.number
        values = (
            session, one.slot, one.event_time_ms, swap.index, swap.signature,
            swap.ordinal, swap.trader, swap.side, swap.mint, swap.base_amount_raw,
            swap.base_decimals, swap.quote_mint, swap.quote_amount_raw, swap.quote_decimals,
            SEPARATOR.join(swap.venues), swap.route_hops, swap.confidence,
            SEPARATOR.join(swap.reasons),
            None if swap.fee_payer == swap.trader else swap.fee_payer,
            None if swap.signers == (swap.fee_payer,) else SEPARATOR.join(swap.signers),
            one.amends,
        )  # fmt: skip
        for column, value in zip(self.rows.swaps.values(), values, strict=True):
            column.append(value)

    def _add_token(self, token: TokenCreated, one: ClosedSlot) -> None:
        values = (
            token.mint, token.name, token.symbol, token.creator, token.decimals, token.supply_raw,
            token.program, token.signature, token.ordinal, one.slot, token.index,
            one.event_time_ms,
        )  # fmt: skip
        for column, value in zip(self.rows.tokens.values(), values, strict=True):
            column.append(value)

    def _add_pool(self, event: PoolEvent, one: ClosedSlot) -> None:
        reserves = (
            event.reserve_a_raw, event.reserve_b_raw, event.virtual_a_raw, event.virtual_b_raw
        )  # fmt: skip
        place = one.slot, event.index, event.ordinal
        if event.pool and any(raw is not None for raw in reserves):
            minute_ms = one.event_time_ms // MINUTE_MS * MINUTE_MS
            of_pool = event.pool, minute_ms, event.venue, event.mint_a or "", event.mint_b or ""
            known = self.rows.pools.get((event.pool, minute_ms))
            if known is None or known[-3:] < place:
                self.rows.pools[event.pool, minute_ms] = (*of_pool, *reserves, *place)
        if event.what != "trade":
            self.rows.changes.append(
                (
                    event.pool, event.what, event.venue, event.mint_a or "", event.mint_b or "",
                    event.amount_a_raw, event.amount_b_raw, event.shares_raw, event.lp_mint,
                    event.user, event.to, event.signature, event.ordinal, one.slot, event.index,
                    one.event_time_ms,
                )
            )  # fmt: skip


def rows_of(slots: Iterable[ClosedSlot], session: Session | None = None) -> Rows:
    """The rows of these slots, as one writes them."""
    maker = RowMaker(session)
    for one in slots:
        maker.take(one)
    return maker.give()
