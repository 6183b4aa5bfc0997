"""The slot calendar: 400 ms slots, some of them skipped, as a function of the seed."""

from __future__ import annotations

SLOT_MS = 400
START_SLOT = 300_000_000
START_TIME_S = 1_767_225_600
_SKIPPED_ONE_IN = 40
_MASK = (1 << 64) - 1


def is_skipped(seed: int, slot: int) -> bool:
    """Whether the slot's leader produced no block (about one slot in forty)."""
    mixed = (slot * 0x9E3779B97F4A7C15 + seed * 0xBF58476D1CE4E5B9 + 1) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return (mixed >> 33) % _SKIPPED_ONE_IN == 0


def slot_after(start_slot: int, seconds: float) -> int:
    """The slot that is due `seconds` after the start of `start_slot`."""
    return start_slot + int(seconds * 1000) // SLOT_MS


def first_produced(seed: int, slot: int) -> int:
    """The first slot from `slot` on that has a block."""
    while is_skipped(seed, slot):
        slot += 1
    return slot
