"""A restored PW_TX is named after the end of its copy: what still means the same in it."""

from __future__ import annotations

import pytest

from pw_common.topology.queue_name import (
    METADATA_RESTORED,
    continued_through,
    means_the_same,
    queue_name,
    restored_mark,
)
from pw_common.topology.streams import METADATA_CREATED

MADE = "2026-01-01T00:00:00.123Z"


def info(**metadata: str) -> dict[str, object]:
    return {"created": "2026-02-02T00:00:00Z", "config": {"metadata": metadata}}


def test_a_stream_that_was_never_restored_is_named_by_when_it_was_made() -> None:
    assert queue_name({"created": MADE, "config": {}}) == MADE


def test_each_restore_adds_the_end_of_its_copy() -> None:
    first = restored_mark({}, 46)
    second = restored_mark({"metadata": {METADATA_RESTORED: first}}, 90)
    assert (first, second) == ("+46", "+46+90")
    named = info(**{METADATA_CREATED: MADE, METADATA_RESTORED: second})
    assert queue_name(named) == f"{MADE}+46+90"


@pytest.mark.parametrize(
    ("older", "newer", "through"),
    [
        (MADE, f"{MADE}+46", 46),
        (MADE, f"{MADE}+46+90", 46),
        # Restored from a copy that is older still.
        (MADE, f"{MADE}+46+12", 12),
        (f"{MADE}+46", f"{MADE}+46+90", 90),
        (f"{MADE}+46", f"{MADE}+47", None),
        (f"{MADE}+4", f"{MADE}+46", None),
        (f"{MADE}+46", MADE, None),
        (MADE, MADE, None),
        (MADE, f"{MADE}+x", None),
        (MADE, f"{MADE}+", None),
        (MADE, f"{MADE}+4²", None),
        (MADE, "2026-01-01T00:00:01Z+46", None),
    ],
)
def test_what_a_queue_continues_is_the_least_end_since(
    older: str, newer: str, through: int | None
) -> None:
    assert continued_through(older, newer) == through


def test_a_sequence_up_to_the_end_of_the_copy_is_the_same_message() -> None:
    assert means_the_same(MADE, MADE, 1_000)
    assert means_the_same(MADE, f"{MADE}+46", 46)
    assert not means_the_same(MADE, f"{MADE}+46", 47)
    assert not means_the_same(f"{MADE}+46", MADE, 1)
