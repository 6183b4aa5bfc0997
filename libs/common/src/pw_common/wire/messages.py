"""Our own messages: the only wire types that services exchange.

Rules: fields are only ever added, with defaults; amounts are integers of raw
units beside their decimals; times carry their unit in the name; what depends on
the run (latency, trace, endpoint) travels in headers, never in a body. Unknown
fields are ignored on decode. JSON Schemas are generated into `schemas/`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal, TypeAlias, TypeVar

import msgspec

from pw_common.wire.heartbeat import Heartbeat
from pw_common.wire.pools import PoolEvent

T = TypeVar("T")
Side: TypeAlias = Literal["buy", "sell"]
Coverage: TypeAlias = Literal["none", "partial", "full"]
# What the name of a venue begins with that is in no table; its program's id follows.
UNLISTED_VENUE = "unlisted:"


class Swap(msgspec.Struct, frozen=True, kw_only=True, tag="swap.v1"):
    """One trader's net trade of one token in one transaction.

    `quote_amount_raw` is what the trade itself cost or paid: without network
    fee, tip and rent, with the venue's own fee. `ordinal` ranks the swaps of a
    transaction by (trader, mint), from 0; (signature, ordinal) is the identity.
    """

    signature: str
    ordinal: int
    slot: int
    index: int
    trader: str
    side: Side
    mint: str
    base_amount_raw: int
    base_decimals: int
    quote_mint: str | None
    quote_amount_raw: int | None
    quote_decimals: int | None
    venues: tuple[str, ...] = ()
    route_hops: int = 0
    confidence: float = 1.0
    reasons: tuple[str, ...] = ()
    fee_payer: str = ""
    signers: tuple[str, ...] = ()


class RoundTrip(msgspec.Struct, frozen=True, kw_only=True, tag="round_trip.v1"):
    """A trader went through exchange programs and ended with no base change (arbitrage)."""

    signature: str
    ordinal: int
    slot: int
    index: int
    trader: str
    quote_mint: str
    quote_change_raw: int
    venues: tuple[str, ...] = ()


class SlotEvent(msgspec.Struct, frozen=True, kw_only=True, tag="slot.v1"):
    """A slot's block_meta: its place in the parent chain and its clock.

    `block_time_s` is whole seconds since 1970 (UTC), or null where the source had none.
    """

    slot: int
    parent: int
    block_time_s: int | None = None


class TokenCreated(msgspec.Struct, frozen=True, kw_only=True, tag="token.v1"):
    """Creation facts of a token, as its launch program stated them."""

    signature: str
    ordinal: int
    slot: int
    index: int
    mint: str
    name: str
    symbol: str
    creator: str
    decimals: int | None = None
    supply_raw: int | None = None
    program: str = ""


class Transfer(msgspec.Struct, frozen=True, kw_only=True, tag="transfer.v1"):
    """A SOL transfer above the funding minimum, where the subscription sees it."""

    signature: str
    ordinal: int
    slot: int
    index: int
    source: str
    destination: str
    lamports: int


class QuoteTrade(msgspec.Struct, frozen=True, kw_only=True, tag="quote.v1"):
    """SOL traded against a stable coin, as the venues stated it: what SOL is worth.

    Kept apart from swaps, since neither side is a token that anybody watches. Amounts
    are sums over the transaction's trades of this pair, in raw units (9 and 6 decimals).
    """

    signature: str
    ordinal: int
    slot: int
    index: int
    sol_amount_raw: int
    usd_mint: str
    usd_amount_raw: int


Event: TypeAlias = Swap | RoundTrip | SlotEvent | TokenCreated | Transfer | QuoteTrade | PoolEvent


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What one PW_TX message held. `transactions` includes failed ones and votes."""

    updates: int = 0
    transactions: int = 0
    failed: int = 0
    votes: int = 0
    malformed: int = 0
    unparsed: int = 0
    slots: int = 0
    blocks_meta: int = 0


class UnparsedAt(msgspec.Struct, frozen=True, kw_only=True):
    """An instruction or event of a known venue that its layout table does not explain.

    `tag` is hex: the first bytes, by which the venue tells its instructions apart.
    """

    venue: str
    slot: int
    signature: str
    what: Literal["instruction", "event"]
    tag: str


class Batch(msgspec.Struct, frozen=True, kw_only=True, tag="batch.v1"):
    """The answer to exactly one PW_TX message, empty and bad ones included.

    A message that was answered before, at another sequence, gets an empty answer without a source.
    `tx_seq` is that message's stream sequence and `tx_stream_created` the name of the stream
    that gave it (when it was made, RFC 3339; `+N` if restored from a copy that ended at N),
    since a stream that was made again or restored reuses sequences. `unparsed` describes the
    first few of what `counts.unparsed` counts. `transfer_coverage` says which SOL transfers the
    subscription lets us see: none known, those within exchange transactions, or all. `tx_id` is
    the message's own Msg-Id: it tells a repeat from another message at a sequence that a
    restored stream used again. `gap` is not empty in what fills a recorded gap afterwards (see
    `gap_id`). `programs` is the stamp of the table that it was read with; empty: the shipped
    one. `filter` is the subscription that it came through (`coverage.py`), empty where unknown:
    what that leaves out was not seen, which is not that it did not happen.
    """

    tx_stream_created: str
    tx_seq: int
    source: str
    epoch: int
    frontier_slot: int
    counts: Counts
    events: tuple[Event, ...] = ()
    unparsed: tuple[UnparsedAt, ...] = ()
    transfer_coverage: Coverage = "none"
    tx_id: str = ""
    gap: str = ""
    programs: str = ""
    filter: str = ""


class Gap(msgspec.Struct, frozen=True, kw_only=True, tag="gap.v1"):
    """Slots that the source did not give us: both ends inclusive."""

    source: str
    epoch: int
    first_missing_slot: int
    last_missing_slot: int
    why: str
    filled: bool = False

    @property
    def id(self) -> str:
        """`source:epoch:first-last`: what `pw backfill --gap` takes."""
        return f"{self.source}:{self.epoch}:{self.first_missing_slot}-{self.last_missing_slot}"


class SourceState(msgspec.Struct, frozen=True, kw_only=True, tag="source.v1"):
    """Ingest's checkpoint in the `pw_source` bucket, one key a source.

    Every slot <= `checkpoint_slot` of this session is stored in PW_TX or is a recorded gap.
    `tx_history` holds pairs, newest last: everything up to a slot is in the messages up to a
    sequence of the PW_TX that was created at `tx_stream_created`. A PW_TX that ends before
    these was restored from an older copy. `clock_slot` was produced at `clock_ms` by the chain's
    own clock: what a later slot of a live source is measured by; 0 where nothing is known.
    `programs` is what is subscribed to where no setting says so, fixed when the source was new;
    empty in a checkpoint of a version that knew only its packaged list.
    """

    source: str
    epoch: int
    checkpoint_slot: int
    frontier_slot: int
    tx_stream_created: str = ""
    tx_history: tuple[tuple[int, int], ...] = ()
    clock_slot: int = 0
    clock_ms: int = 0
    programs: str = ""


Message: TypeAlias = (
    Swap | RoundTrip | SlotEvent | TokenCreated | Transfer | QuoteTrade | PoolEvent | Batch | Gap
)


_encoder = msgspec.json.Encoder(order="deterministic")
_batch_decoder = msgspec.json.Decoder(Batch)
_gap_decoder = msgspec.json.Decoder(Gap)
_source_decoder = msgspec.json.Decoder(SourceState)
_heartbeat_decoder = msgspec.json.Decoder(Heartbeat)


class WrongSchema(ValueError):
    """A body that is not the message that its schema header or stream says."""


def encode(message: msgspec.Struct) -> bytes:
    """Canonical JSON: the same message gives the same bytes."""
    return _encoder.encode(message)


def decode_batch(body: bytes) -> Batch:
    """Raises WrongSchema for anything but a `batch.v1` body."""
    return _decode(_batch_decoder, body)


def decode_gap(body: bytes) -> Gap:
    """Raises WrongSchema for anything but a `gap.v1` body."""
    return _decode(_gap_decoder, body)


def decode_source_state(body: bytes) -> SourceState:
    """Raises WrongSchema for anything but a `source.v1` body."""
    return _decode(_source_decoder, body)


def decode_heartbeat(body: bytes) -> Heartbeat:
    """Raises WrongSchema for anything but a `heartbeat.v1` body."""
    return _decode(_heartbeat_decoder, body)


def swap_digest(swaps: Iterable[Swap]) -> str:
    """sha-256 over the sorted canonical bodies, one a line. Repeats must be dropped before."""
    return digest_of_bodies(encode(swap) for swap in swaps)


def digest_of_bodies(bodies: Iterable[bytes]) -> str:
    """sha-256 (hex) over canonical bodies: sorted, each followed by a newline."""
    digest = hashlib.sha256()
    for body in sorted(bodies):
        digest.update(body)
        digest.update(b"\n")
    return digest.hexdigest()


def _decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise WrongSchema(str(error)) from error
