"""What a venue's file declares, and what its readers give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, TypeAlias

from pw_common.wire.pools import PoolChange
from pw_parser.core.decode.transaction import Malformed, View
from pw_parser.core.venues.layout import ANCHOR_IDL_TAG, TAG_BYTES

# Where a program writes its events: an instruction to itself (Anchor's `emit_cpi!`),
# a "Program data:" log line (Anchor's `emit!`), Raydium v4's own "ray_log:" line, or nowhere.
Where: TypeAlias = Literal["cpi", "log", "ray_log", "none"]


class TradeEvent(NamedTuple):
    """One trade as the venue states it, seen from its user.

    `amount_in_raw` is all that the user gave for it, the venue's own fee included;
    `amount_out_raw` is what the user got, that fee taken out. A mint is base58, WSOL's
    for SOL, and None where neither the event nor the instruction's accounts tell.
    `user` is the owner whose trade it was (base58), None where the event does not say.
    """

    venue: str
    mint_in: str | None
    amount_in_raw: int
    mint_out: str | None
    amount_out_raw: int
    user: str | None = None


class TokenFacts(NamedTuple):
    """A token as its launch program stated it. Keys are base58, `supply_raw` in raw units."""

    venue: str
    mint: str
    name: str
    symbol: str
    creator: str
    decimals: int | None = None
    supply_raw: int | None = None


class PoolFacts(NamedTuple):
    """What a venue stated of a pool; the fields are those of `pool.v1`."""

    venue: str
    what: PoolChange
    pool: str
    mint_a: str | None = None
    mint_b: str | None = None
    amount_a_raw: int | None = None
    amount_b_raw: int | None = None
    reserve_a_raw: int | None = None
    reserve_b_raw: int | None = None
    virtual_a_raw: int | None = None
    virtual_b_raw: int | None = None
    shares_raw: int | None = None
    lp_mint: str = ""
    user: str = ""
    to: str = ""


class Invocation(NamedTuple):
    """One instruction of a venue's program; `accounts` are indexes into the view's keys."""

    view: View
    venue: str
    accounts: bytes
    data: bytes

    def address_at(self, position: int) -> str | None:
        """Base58 of the account at a position (negative: from the end), None if it is not there."""
        index = self._index(position)
        return None if index is None else self.view.address(index)

    def mint_at(self, position: int) -> str | None:
        """Mint of the token account at a position; None if the balances do not know it."""
        index = self._index(position)
        if index is None:
            return None
        return next((t.mint for t in self.view.tokens if t.account_index == index), None)

    def _index(self, position: int) -> int | None:
        if not -len(self.accounts) <= position < len(self.accounts):
            return None
        index = self.accounts[position]
        if index >= len(self.view.keys):
            raise Malformed(
                f"instruction account {index}, but there are {len(self.view.keys)} accounts"
            )
        return index


Statement: TypeAlias = TradeEvent | TokenFacts | PoolFacts
Stated: TypeAlias = Statement | tuple[Statement, ...] | None
# Event data behind its tag, and the instruction that wrote it. Raises `Short`.
Reader: TypeAlias = Callable[[bytes, Invocation], Stated]


class Venue(NamedTuple):
    """A program's instructions and events, by tag.

    `instructions` names every instruction that the public source lists; another tag is
    `unparsed`. `trades` are the names of those that trade, each of which is expected to
    write a trade event. `events` are read; `silent_events` are known and say nothing of
    a trade or a launch. `tag_bytes` is 8 for Anchor programs, 1 for older ones.
    A `router` repeats what the venues below it did.
    `source` is where the layout is published, `checked` the day on which it was compared.
    """

    name: str
    source: str
    checked: str
    where: Where
    instructions: Mapping[bytes, str]
    trades: frozenset[str]
    events: Mapping[bytes, Reader]
    silent_events: frozenset[bytes] = frozenset()
    tag_bytes: int = 8
    router: bool = False

    def instruction(self, data: bytes) -> str | None:
        """The name of an instruction, None for an unknown tag."""
        if self.tag_bytes == TAG_BYTES and data.startswith(ANCHOR_IDL_TAG):
            return "anchor_idl"
        return self.instructions.get(data[: self.tag_bytes])
