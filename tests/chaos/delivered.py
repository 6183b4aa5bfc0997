"""What readers deliver at the end, as multisets, and how two runs differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pw_common.jetstream.bus import Bus, headers_of
from pw_common.jetstream.consuming.stored import stored_messages, stream_state
from pw_common.ordering.assembly import Assembly
from pw_common.ordering.dedup import SeenWindow
from pw_common.wire.alerts import decode_alert
from pw_common.wire.batches import batch_of
from pw_common.wire.history import SwapsAsked
from pw_common.wire.messages import Swap, decode_gap, encode
from support.asked import every_swap, kept_up_to
from support.receiver import Receiver


@dataclass
class Delivered:
    """`stored_twice` counts PW_TX messages that were answered by more than one batch.

    `held` is what came through the channel that refuses and comes back, `kept` what history answers
    of the slots that closed.
    """

    swaps: Counter[bytes] = field(default_factory=Counter)
    alerts: Counter[bytes] = field(default_factory=Counter)
    notifications: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    # What history keeps: each swap with its time.
    kept: Counter[str] = field(default_factory=Counter)
    transactions: int = 0
    stored_duplicates: int = 0
    stored_twice: int = 0
    late: int = 0
    gaps: int = 0
    # Which slots, and why they are missing.
    gaps_said: list[str] = field(default_factory=list)
    dead_letters: int = 0
    sent_again: int = 0


async def read_all(bus: Bus, receiver: Receiver, moody: Receiver) -> Delivered:
    """Read every stream as any reader does: repeats dropped by the one window."""
    found = Delivered()
    seen, assembly = SeenWindow(), Assembly(sources=("main",))
    answered: Counter[tuple[str, int]] = Counter()
    async for message in stored_messages(bus, "PW_SWAP"):
        batch = batch_of(headers_of(message), message.data)
        answered[batch.tx_stream_created, batch.tx_seq] += 1
        found.transactions += batch.counts.transactions
        for event in batch.events:
            if isinstance(event, Swap) and seen.first_time(
                (event.signature, event.ordinal), event.slot
            ):
                found.swaps[encode(event)] += 1
        assembly.add(batch)
    found.late = assembly.late
    found.stored_duplicates = seen.repeats
    found.stored_twice = sum(count - 1 for count in answered.values())
    async for message in stored_messages(bus, "PW_ALERT"):
        if decode_alert(message.data).mint:
            found.alerts[message.data] += 1
    async for message in stored_messages(bus, "PW_GAP"):
        gap = decode_gap(message.data)
        found.gaps_said.append(f"{gap.id}: {gap.why}")
    found.gaps = len(found.gaps_said)
    found.dead_letters = (await stream_state(bus, "PW_DLQ"))["messages"]
    _notified(found, receiver)
    _came_back(found, moody)
    return found


def kept_key(swap: Mapping[str, Any], event_time_ms: int) -> str:
    """What a kept swap says, as text."""
    said = (swap[name] for name in ("signature", "ordinal", "slot", "index", "trader", "side"))
    amounts = (swap[name] for name in ("mint", "base_amount_raw", "quote_mint", "quote_amount_raw"))
    return " ".join(map(str, (event_time_ms, *said, *amounts)))


async def read_kept(bus: Bus, slot: int) -> Counter[str]:
    """Every swap that history keeps, once it has come to this slot."""
    await kept_up_to(bus, slot, SwapsAsked(limit=1))
    found: Counter[str] = Counter()
    for swap in await every_swap(bus):
        found[kept_key(swap, int(str(swap["event_time_ms"])))] += 1
    return found


def _notified(found: Delivered, receiver: Receiver) -> None:
    # A receiver knows a repeated request by its id.
    keys: set[str] = set()
    for request in receiver.taken:
        key = request.headers["webhook-id"]
        if key in keys:
            found.sent_again += 1
            continue
        keys.add(key)
        for alert in request.json()["alerts"]:
            if alert.get("mint"):
                found.notifications[alert["id"]] += 1


def _came_back(found: Delivered, moody: Receiver) -> None:
    """Digests: after a kill the same alerts may come in another one, and are known by their ids."""
    for request in moody.taken:
        for alert in request.json()["alerts"]:
            if not alert.get("mint"):
                continue
            if alert["id"] in found.held:
                found.sent_again += 1
            else:
                found.held[alert["id"]] += 1


@dataclass(frozen=True)
class Difference:
    """`lost` is in the undisturbed run alone, `doubled` in the disturbed one beyond it."""

    lost: dict[str, int]
    doubled: dict[str, int]


def difference(expected: Delivered, found: Delivered) -> Difference:
    """What the faults cost, by what it is."""
    pairs: dict[str, tuple[Counter[bytes], Counter[bytes]] | tuple[Counter[str], Counter[str]]] = {
        "swaps": (expected.swaps, found.swaps),
        "alerts": (expected.alerts, found.alerts),
        "notifications": (expected.notifications, found.notifications),
        "held": (expected.held, found.held),
        "kept": (expected.kept, found.kept),
    }
    lost = {name: sum((one - two).values()) for name, (one, two) in pairs.items()}  # type: ignore[operator]
    doubled = {name: sum((two - one).values()) for name, (one, two) in pairs.items()}  # type: ignore[operator]
    return Difference(lost, doubled)
