"""Which transactions name the addresses that are followed, and the blocks made of them. Pure.

A node lists an address's transactions newest first. Of each list is taken what lies after one slot
and up to another. The chain of blocks comes from the node's list of slots: each block's parent is
the one listed before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from solders.pubkey import Pubkey

from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.rpc.follow import Break
from pw_rpc.core.answers import Named

# Pages of one address in one round: beyond it the older ones are left out.
PAGES_MAX: Final = 20
TOO_MANY: Final = "more transactions name {address} than are followed"
ADDRESSES_MAX: Final = 100


class Span(NamedTuple):
    """Slots after the first and up to the last."""

    after_slot: int
    until_slot: int


class Found:
    """The transactions of one round, by slot, in the order in which they happened."""

    def __init__(self, span: Span, *, with_failed: bool) -> None:
        self.span = span
        # Where more names an address than is followed, what lies up to here is left out.
        self.floor_slot = span.after_slot
        self.why = ""
        self._with_failed = with_failed
        # Signature -> its slot.
        self._slots: dict[str, int] = {}
        self._pages = 0

    def page(self, address: str, named: list[Named], pages: int) -> str:
        """Take a page; returns the signature to go on before, empty where it was the last."""
        after_slot, until_slot = self.span
        for one in named:
            if after_slot < one.slot <= until_slot and (self._with_failed or not one.failed):
                self._slots.setdefault(one.signature, one.slot)
        # A short page may be a node's own limit.
        if not named or named[-1].slot <= after_slot:
            return ""
        if pages < PAGES_MAX:
            return named[-1].signature
        # Of the slot in which the page ended more may be older than its end.
        self.floor_slot = max(self.floor_slot, min(named[-1].slot, until_slot))
        self.why = TOO_MANY.format(address=address)
        return ""

    def by_slot(self) -> dict[int, list[str]]:
        """Slot -> signatures, oldest first."""
        found: dict[int, list[str]] = {}
        for signature, slot in reversed(self._slots.items()):
            if slot > self.floor_slot:
                found.setdefault(slot, []).append(signature)
        return dict(sorted(found.items()))


def concerns(update: bytes, addresses: Iterable[str], *, with_failed: bool) -> str:
    """Why a transaction was not asked for; empty if it was, or cannot be read."""
    info = pb.SubscribeUpdate.FromString(update).transaction.transaction
    keys = {
        *info.transaction.message.account_keys,
        *info.meta.loaded_writable_addresses,
        *info.meta.loaded_readonly_addresses,
    }
    if not info.transaction.signatures:
        return ""  # Of a version that is not read: kept for a dead letter.
    if not with_failed and info.meta.HasField("err"):
        return "it failed, and the list of its address says that it did not"
    if keys.isdisjoint(bytes(Pubkey.from_string(one)) for one in addresses):
        return "it names none of the addresses that are followed"
    return ""


class Block(NamedTuple):
    """What is known of a followed slot. `lost` says why some of it could not be had."""

    updates: list[bytes]
    time_s: int | None
    lost: str = ""


def blocks(
    slots: Iterable[int], before_slot: int, of: Mapping[int, Block]
) -> Iterator[list[bytes | Break]]:
    """What goes on for each listed slot: its transactions, then its block_meta.

    A slot of which something is lost has no block: the next one's parent says that it is missing.

    Args:
        slots: Those that have a block, in order.
        before_slot: The one before the first.
        of: What is known of those in which something followed happened.
    """
    for slot in slots:
        known = of.get(slot, Block([], None))
        if known.lost:
            yield [Break(known.lost)]
        else:
            yield [*known.updates, block_meta(slot, before_slot, known.time_s)]
        before_slot = slot


def block_meta(slot: int, parent_slot: int, time_s: int | None) -> bytes:
    """A block_meta with the links and the time that the list gives; nothing else is known."""
    update = pb.SubscribeUpdate()
    update.block_meta.slot, update.block_meta.parent_slot = slot, parent_slot
    if time_s is not None:
        update.block_meta.block_time.timestamp = time_s
    return update.SerializeToString()
