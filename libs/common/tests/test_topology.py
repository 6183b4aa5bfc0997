from __future__ import annotations

import pytest

from pw_common.topology import subjects
from pw_common.topology.streams import declare
from pw_common.wire.limits import PARSER_ACK_WAIT_S, PARSER_FETCH, PARSER_REPLICAS_MAX


def test_the_queue_refuses_when_full_and_never_forgets_by_age() -> None:
    queue = next(one for one in declare().streams if one.name == subjects.STREAM_TX)
    assert (queue.retention, queue.discard, queue.max_age_s) == ("workqueue", "new", 0)
    letters = next(one for one in declare().streams if one.name == subjects.STREAM_DLQ)
    assert (letters.discard, letters.max_age_s) == ("new", 0)


def test_the_whole_fleet_can_hold_two_fetches_each() -> None:
    parser = next(one for one in declare().consumers if one.name == subjects.CONSUMER_PARSER)
    assert parser.max_ack_pending == 2 * PARSER_FETCH * PARSER_REPLICAS_MAX
    assert 5 <= parser.ack_wait_s == PARSER_ACK_WAIT_S <= 10
    assert parser.body()["max_deliver"] == -1


@pytest.mark.parametrize("name", ["", "a.b", "A", "a b", "*", ">", "x" * 33, "ü"])
def test_a_subject_is_built_from_safe_tokens_only(name: str) -> None:
    for build in (subjects.tx, subjects.gap, subjects.dead_letter):
        with pytest.raises(ValueError, match="not a subject token"):
            build(name)
