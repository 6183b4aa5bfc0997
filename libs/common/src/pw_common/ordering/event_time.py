"""Event time: a function of the slot, fixed when the slot closes.

block_time has whole seconds and several slots share one; so equal seconds are
spread by 400 ms a slot, and the result never goes back. A slot without
block_meta gets the time of the slot before it plus 400 ms for each slot between.

Every new second begins at itself, so nothing of an older one remains: a clock that
is started anywhere gives the same time as one that ran all along, from the first
new second on.
"""

from __future__ import annotations

from dataclasses import dataclass

from pw_common.wire.limits import BLOCK_TIME_S_MAX

SLOT_MS = 400


@dataclass(frozen=True)
class SlotTime:
    """The clock after one closed slot."""

    slot: int
    event_time_ms: int


def sane_block_time_s(block_time_s: int | None) -> int | None:
    """A block time, or None where it cannot be a time: then the slot has none."""
    if block_time_s is None or not 0 <= block_time_s <= BLOCK_TIME_S_MAX:
        return None
    return block_time_s


def next_slot_time(previous: SlotTime | None, slot: int, block_time_s: int | None) -> SlotTime:
    """The event time of a slot that closes after `previous`.

    Args:
        previous: The slot that closed before it in this session, if any.
        slot: Greater than the previous slot.
        block_time_s: Seconds since 1970 from block_meta, or None where there was none.

    Raises:
        ValueError: If the first slot of a session has no block time, or slots go back.
    """
    if previous is None:
        if block_time_s is None:
            raise ValueError(f"slot {slot} opens a session without a block time")
        return SlotTime(slot, block_time_s * 1_000)
    if slot <= previous.slot:
        raise ValueError(f"slot {slot} closes after slot {previous.slot}")
    spread_ms = previous.event_time_ms + SLOT_MS * (slot - previous.slot)
    if block_time_s is None:
        return SlotTime(slot, spread_ms)
    block_ms = block_time_s * 1_000
    if block_ms > previous.event_time_ms:
        return SlotTime(slot, block_ms)
    # The same second or an earlier one: spread inside it, and never back.
    ceiling = block_ms + 999
    return SlotTime(slot, max(previous.event_time_ms, min(spread_ms, ceiling)))
