"""What the venues themselves say about a transaction: trades, launches, and what is not understood.

An event is a second opinion beside the balances. A tag that the venue's table does not
list, or an event too short for its layout, is `unparsed`: the program has changed.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from pw_parser.core.calls.calls import Calls
from pw_parser.core.decode.log_events import log_events
from pw_parser.core.decode.transaction import View
from pw_parser.core.venues.layout import TAG_BYTES, Short
from pw_parser.core.venues.registry import VENUES
from pw_parser.core.venues.venue import PoolFacts, TokenFacts, TradeEvent

RAY_TAG_BYTES = 1


class Unparsed(NamedTuple):
    """An instruction or event of a known venue that its table does not explain. `tag` is hex."""

    venue: str
    what: Literal["instruction", "event"]
    tag: str


class Statements(NamedTuple):
    """All that the venues of one transaction said, in the order of execution.

    `silent` names the venues with a trading instruction that wrote no trade event:
    about those trades there is no second opinion. `called` counts instructions by venue.
    """

    trades: tuple[TradeEvent, ...] = ()
    tokens: tuple[TokenFacts, ...] = ()
    unparsed: tuple[Unparsed, ...] = ()
    silent: frozenset[str] = frozenset()
    called: tuple[tuple[str, int], ...] = ()
    pools: tuple[PoolFacts, ...] = ()


NOTHING = Statements()


def statements_of(view: View, calls: Calls) -> Statements:
    """Read every event of the venues that took part.

    Raises:
        Malformed: an instruction names an account that is not there.
    """
    if not calls.invocations:
        return NOTHING
    reading = _Reading(calls)
    for position, event in calls.written:
        reading.event(position, event[:TAG_BYTES], event[TAG_BYTES:])
    logging = _logging_programs(calls)
    if logging:
        for position, data, ray in log_events(view.meta.log_messages, logging):
            size = RAY_TAG_BYTES if ray else TAG_BYTES
            where = VENUES[calls.invocations[position].venue].where
            if where == ("ray_log" if ray else "log"):
                reading.event(position, data[:size], data[size:])
    return reading.statements()


def _logging_programs(calls: Calls) -> dict[str, list[int]]:
    """Base58 program -> positions in order of execution, of venues that write to the log."""
    logging: dict[str, list[int]] = {}
    for position in calls.in_order():
        invocation = calls.invocations[position]
        if VENUES[invocation.venue].where in ("log", "ray_log"):
            logging.setdefault(calls.program(position), []).append(position)
    return logging


class _Reading:
    """Adds up what the events of one transaction say."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.trades: list[tuple[int, TradeEvent]] = []
        self.tokens: list[TokenFacts] = []
        self.unparsed: list[Unparsed] = []
        self.pools: list[tuple[int, PoolFacts]] = []

    def event(self, position: int, tag: bytes, data: bytes) -> None:
        invocation = self.calls.invocations[position]
        venue = VENUES[invocation.venue]
        reader = venue.events.get(tag)
        if reader is None:
            if tag not in venue.silent_events:
                self.unparsed.append(Unparsed(venue.name, "event", tag.hex()))
            return
        try:
            stated = reader(data, invocation)
        except Short:
            self.unparsed.append(Unparsed(venue.name, "event", tag.hex()))
            return
        for one in stated if type(stated) is tuple else (stated,):
            if isinstance(one, TradeEvent):
                # Some programs write an old and a new event for one trade.
                if (position, one) not in self.trades:
                    self.trades.append((position, one))
            elif isinstance(one, TokenFacts):
                self.tokens.append(one)
            elif isinstance(one, PoolFacts) and (position, one) not in self.pools:
                self.pools.append((position, one))

    def statements(self) -> Statements:
        spoken = {position for position, _ in self.trades}
        silent: set[str] = set()
        called: dict[str, int] = {}
        for position, invocation in enumerate(self.calls.invocations):
            venue = VENUES[invocation.venue]
            called[venue.name] = called.get(venue.name, 0) + 1
            name = venue.instruction(invocation.data)
            if name is None:
                tag = invocation.data[: venue.tag_bytes].hex()
                self.unparsed.append(Unparsed(venue.name, "instruction", tag))
            elif name in venue.trades and position not in spoken:
                silent.add(venue.name)
        rank = {position: at for at, position in enumerate(self.calls.in_order())}
        self.trades.sort(key=lambda found: rank[found[0]])
        self.pools.sort(key=lambda found: rank[found[0]])
        return Statements(
            trades=tuple(trade for _, trade in self.trades),
            tokens=tuple(self.tokens),
            unparsed=tuple(self.unparsed),
            silent=frozenset(silent),
            called=tuple(called.items()),
            pools=tuple(facts for _, facts in self.pools),
        )
