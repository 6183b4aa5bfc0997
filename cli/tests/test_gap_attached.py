"""What a gap's first block may follow, where other gaps lie before it."""

from __future__ import annotations

from pw_cli.gaps.gap_proof import Around, Link, why_open
from pw_common.wire.messages import Gap

GAP = Gap(source="main", epoch=1, first_missing_slot=200, last_missing_slot=215, why="skipped")
AFTER = Link(216, 215)


def blocks(first: int, parent: int) -> dict[int, Link]:
    return {slot: Link(slot, parent if slot == first else slot - 1) for slot in range(first, 216)}


def test_a_block_that_follows_another_gap_across_stored_blocks_proves_nothing() -> None:
    around = Around(before=199, after=AFTER, others=((100, 115),))
    assert "follows slot 110" in why_open(GAP, blocks(208, 110), around)


def test_a_gap_that_lies_between_is_followed() -> None:
    around = Around(before=150, after=AFTER, others=((160, 199),))
    assert why_open(GAP, blocks(200, 180), around) == ""
