"""A source whose block times creep ahead, each in step with its slot."""

from __future__ import annotations

from pw_common.wire.envelope import Identity
from pw_ingest.core.endpoints.plausible import Anchor, Judge
from pw_ingest.core.sequencing.identity import META, Seen

SLOT = 450_000_000
NOW_MS = 1_795_650_000_000
SLOT_MS = 400


def meta(slot: int, time_ms: int) -> Seen:
    return Seen(Identity(META, slot, b""), 0, False, slot - 1, time_ms // 1000)


def test_block_times_that_creep_ahead_do_not_shut_the_truth_out() -> None:
    judge = Judge()
    judge.establish(Anchor(SLOT, NOW_MS), NOW_MS, proven=True)
    assert judge.judge(meta(SLOT, NOW_MS), NOW_MS) is None
    for step in range(1, 82):
        judge.judge(meta(SLOT + step, NOW_MS + 11_000 * step), NOW_MS)
    refused = [
        step
        for step in range(6_000)
        if judge.judge(meta(SLOT + step, NOW_MS + SLOT_MS * step), NOW_MS + SLOT_MS * step)
    ]
    assert refused == []
