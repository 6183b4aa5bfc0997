"""A SubscribeRequest, compiled: which updates it wants, under which names."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey
from solders.signature import Signature

from pw_geyser import geyser_pb2
from pw_replay.core.items import Item, facts_of
from pw_replay.core.limits import NO_LIMITS, FilterLimits

FILTER_NAME_MAX = 128
ACCOUNTS_MAX = 1000
FILTERS_MAX = 64
CONFIRMED = 1
# Statuses of the consensus itself; the others come only with `interslot_updates`.
COMMITMENT_STATUSES = frozenset({0, 1, 2})


class BadFilter(ValueError):
    """A request that a server refuses with INVALID_ARGUMENT; the message says why."""


@dataclass(frozen=True)
class TransactionFilter:
    """One named transaction filter; None means that it does not ask."""

    name: str
    vote: bool | None
    failed: bool | None
    include: frozenset[bytes]
    exclude: frozenset[bytes]
    required: frozenset[bytes]
    signature: bytes | None

    def wants(self, item: Item) -> bool:
        """Whether it matches a transaction; what cannot be decoded only if nobody asks."""
        if self.vote is not None and self.vote != item.is_vote:
            return False
        if self.signature is not None and self.signature != item.signature:
            return False
        if self.failed is None and not (self.include or self.exclude or self.required):
            return True
        facts = facts_of(item)
        if facts is None:
            return False
        if self.failed is not None and self.failed != facts.failed:
            return False
        if self.include and facts.keys.isdisjoint(self.include):
            return False
        if not facts.keys.isdisjoint(self.exclude):
            return False
        return self.required <= facts.keys


@dataclass(frozen=True)
class SlotFilter:
    """One named slot filter."""

    name: str
    by_commitment: bool
    interslot: bool

    def wants(self, item: Item, commitment: int) -> bool:
        """Whether it matches a slot update."""
        if item.status not in COMMITMENT_STATUSES:
            return self.interslot
        return item.status == commitment if self.by_commitment else True


@dataclass(frozen=True)
class Filter:
    """A whole subscription."""

    transactions: tuple[TransactionFilter, ...]
    slots: tuple[SlotFilter, ...]
    blocks_meta: tuple[str, ...]
    commitment: int

    @property
    def wants_nothing(self) -> bool:
        """Some clients open a stream with an empty request, and say later what they want."""
        return not (self.transactions or self.slots or self.blocks_meta)

    def names(self, item: Item) -> tuple[str, ...]:
        """Names of the filters that want this update; empty: do not send it.

        What is neither a transaction nor a slot nor a block_meta (a capture may
        hold anything) goes to whoever takes all transactions.
        """
        if item.kind == "tx":
            return tuple(one.name for one in self.transactions if one.wants(item))
        if item.kind == "meta":
            return self.blocks_meta
        if item.kind == "slot":
            return tuple(one.name for one in self.slots if one.wants(item, self.commitment))
        return tuple(
            one.name
            for one in self.transactions
            if one.vote is None and not (one.include or one.required or one.signature)
        )


def is_ping_only(request: geyser_pb2.SubscribeRequest) -> bool:
    """A request that carries a ping and no filter leaves the subscription unchanged."""
    return request.HasField("ping") and not (
        request.transactions or request.slots or request.blocks_meta
    )


def compile_filter(
    request: geyser_pb2.SubscribeRequest, limits: FilterLimits = NO_LIMITS
) -> Filter:
    """Check and compile a request.

    Raises:
        BadFilter: naming the filter and the bound or key that is wrong, or what the plan forbids.
    """
    if refusal := limits.refusal(request):
        raise BadFilter(refusal)
    for names in (request.transactions, request.slots, request.blocks_meta):
        if len(names) > FILTERS_MAX:
            raise BadFilter(f"{len(names)} filters of one type, at most {FILTERS_MAX}")
        for name in names:
            if len(name) > FILTER_NAME_MAX:
                raise BadFilter(f"filter name of {len(name)} characters, max {FILTER_NAME_MAX}")
    return Filter(
        transactions=tuple(_transactions(n, f) for n, f in sorted(request.transactions.items())),
        slots=tuple(
            SlotFilter(name, one.filter_by_commitment, one.interslot_updates)
            for name, one in sorted(request.slots.items())
        ),
        blocks_meta=tuple(sorted(request.blocks_meta)),
        commitment=request.commitment if request.HasField("commitment") else 0,
    )


def _transactions(
    name: str, one: geyser_pb2.SubscribeRequestFilterTransactions
) -> TransactionFilter:
    return TransactionFilter(
        name=name,
        vote=one.vote if one.HasField("vote") else None,
        failed=one.failed if one.HasField("failed") else None,
        include=_keys(name, "account_include", list(one.account_include)),
        exclude=_keys(name, "account_exclude", list(one.account_exclude)),
        required=_keys(name, "account_required", list(one.account_required)),
        signature=_signature(name, one.signature) if one.HasField("signature") else None,
    )


def _keys(name: str, kind: str, keys: list[str]) -> frozenset[bytes]:
    if len(keys) > ACCOUNTS_MAX:
        raise BadFilter(f"filter {name!r}: {len(keys)} in {kind}, at most {ACCOUNTS_MAX}")
    found = set()
    for key in keys:
        try:
            found.add(bytes(Pubkey.from_string(key)))
        except ValueError as error:
            raise BadFilter(f"filter {name!r}: {key!r} in {kind} is not an address") from error
    return frozenset(found)


def _signature(name: str, text: str) -> bytes:
    try:
        return bytes(Signature.from_string(text))
    except ValueError as error:
        raise BadFilter(f"filter {name!r}: {text!r} is not a signature") from error
