"""One message in, one batch out: what can be read is read, the rest is kept with a reason."""

from __future__ import annotations

from typing import Any

import pytest
import zstandard

from pw_common.jetstream.consuming.worker import Delivery
from pw_common.wire.envelope import (
    MSG_ID,
    POSITION,
    REASON,
    SCHEMA,
    TxHeaders,
    compress,
    decompress,
    tx_headers,
)
from pw_common.wire.framing import frame, join, split
from pw_common.wire.limits import DECOMPRESSED_BYTES_MAX
from pw_common.wire.messages import SlotEvent, Swap, decode_batch
from pw_geyser import geyser_pb2
from pw_parser.core.batch import Outcome, parse_message
from pw_parser.shell import answer

CREATED = "2026-01-01T00:00:00Z"


def headers_for(count: int) -> dict[str, str]:
    return tx_headers(TxHeaders("tx:1", count, "main", 2, 99))


def answered(updates: list[bytes], *, count: int | None = None) -> Outcome:
    count = len(updates) if count is None else count
    return parse_message(headers_for(count), compress(join(updates)), 11, CREATED)


def block_meta() -> bytes:
    update = geyser_pb2.SubscribeUpdate()
    update.block_meta.slot, update.block_meta.parent_slot = 7, 5
    update.block_meta.block_time.timestamp = 1_700_000_000
    return update.SerializeToString()


def slot() -> bytes:
    update = geyser_pb2.SubscribeUpdate()
    update.slot.slot = 7
    return update.SerializeToString()


def test_a_good_message_is_one_batch_that_counts_everything(buy: Any) -> None:
    failed, vote = buy("alice"), buy("alice")
    failed.failed, vote.vote = True, True
    updates = [buy("alice").update(), failed.update(), vote.update(), slot(), block_meta()]
    batch, letters, _ = answered(updates)
    assert letters == ()
    counts = batch.counts
    assert (counts.updates, counts.transactions, counts.failed, counts.votes) == (5, 3, 1, 1)
    assert (counts.slots, counts.blocks_meta, counts.malformed) == (1, 1, 0)
    assert (batch.source, batch.epoch, batch.frontier_slot) == ("main", 2, 99)
    assert (batch.tx_seq, batch.tx_stream_created) == (11, CREATED)
    assert [type(event) for event in batch.events] == [Swap, SlotEvent]
    assert batch.events[1] == SlotEvent(slot=7, parent=5, block_time_s=1_700_000_000)


def test_an_empty_message_is_an_empty_batch() -> None:
    batch, letters, _ = answered([])
    assert (batch.counts.updates, batch.events, letters) == (0, (), ())


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"\xff\xff\xff", "not a SubscribeUpdate"),
        (bytes(range(255, 155, -1)), "not a SubscribeUpdate"),
        (geyser_pb2.SubscribeUpdate(filters=["all"]).SerializeToString(), "unknown kind"),
    ],
)
def test_one_bad_update_in_a_good_batch_costs_only_itself(buy: Any, bad: bytes, words: str) -> None:
    outcome = answered([buy("alice").update(), bad, buy("bob").update()])
    assert len([e for e in outcome.batch.events if isinstance(e, Swap)]) == 2
    (letter,) = outcome.dead_letters
    assert (letter.position, letter.body) == (1, frame(bad))
    assert words in letter.reason
    assert outcome.batch.counts.malformed == 1
    assert not outcome.poisoned


def test_an_update_without_meta_becomes_a_dead_letter(buy: Any) -> None:
    update = buy("alice").message()
    update.transaction.transaction.ClearField("meta")
    (letter,) = answered([update.SerializeToString()]).dead_letters
    assert "without meta" in letter.reason


def test_a_truncated_update_becomes_a_dead_letter_and_those_before_it_are_parsed(
    buy: Any,
) -> None:
    good, cut = buy("alice").update(), buy("bob").update()
    raw = frame(good) + frame(cut)[:-20]
    batch, letters, _ = parse_message(headers_for(2), compress(raw), 1, CREATED)
    assert batch.counts.transactions == 1
    assert [(one.position, one.body) for one in letters] == [(1, frame(cut)[:-20])]


def test_another_count_than_promised_is_kept_too(buy: Any) -> None:
    outcome = answered([buy("alice").update()], count=3)
    assert outcome.batch.counts.transactions == 1
    (letter,) = outcome.dead_letters
    assert letter.position is None
    assert "Pw-Count promised 3" in letter.reason


def test_a_wrong_schema_version_keeps_the_whole_message(buy: Any) -> None:
    body = compress(join([buy("alice").update()]))
    outcome = parse_message({**headers_for(1), SCHEMA: "capture.v9"}, body, 4, CREATED)
    (letter,) = outcome.dead_letters
    assert (letter.position, letter.body) == (None, body)
    assert "capture.v9" in letter.reason
    assert (outcome.batch.source, outcome.batch.counts.malformed) == ("", 1)
    assert outcome.poisoned


@pytest.mark.parametrize(
    "headers",
    [{}, {**headers_for(1), "Pw-Epoch": "9" * 5_000}, {**headers_for(1), "Pw-Count": "-1"}],
)
def test_unreadable_headers_still_give_a_batch(headers: dict[str, str]) -> None:
    outcome = parse_message(headers, b"anything", 4, CREATED)
    assert outcome.batch.counts.malformed == len(outcome.dead_letters) == 1
    assert outcome.poisoned


def unsized(raw: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=False).compress(raw)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not zstd at all",
        compress(b"x" * 1000)[:-3],
        compress(b"\x00" * (DECOMPRESSED_BYTES_MAX + 1)),
        unsized(b"\x00" * (DECOMPRESSED_BYTES_MAX + 1)),
    ],
    ids=["empty", "random", "cut", "bomb", "unsized bomb"],
)
def test_a_body_that_cannot_be_decompressed_is_kept_whole(body: bytes) -> None:
    outcome = parse_message(headers_for(1), body, 4, CREATED)
    (letter,) = outcome.dead_letters
    assert (letter.position, letter.body) == (None, body)
    assert outcome.batch.frontier_slot == 99
    assert outcome.poisoned


def test_what_is_stored_has_ids_that_are_functions_of_the_input(buy: Any) -> None:
    body = compress(join([buy("alice").update(), b"\xff\xff"]))
    delivery = Delivery(body, headers_for(2), seq=11, delivered=1, pending=0)
    done = answer(delivery, parse_message(delivery.headers, body, 11, CREATED))
    again = answer(delivery, parse_message(delivery.headers, body, 11, CREATED))
    assert done == again
    (stored,), (dead,) = done.outputs, done.dead_letters
    assert stored.headers[MSG_ID] == "swap:tx:1"
    assert decode_batch(decompress(stored.body, 1 << 20)).counts.malformed == 1
    assert (dead.headers[MSG_ID], dead.headers[POSITION]) == ("dead:tx:1:1", "1")
    assert list(split(decompress(dead.body, 1 << 20))) == [b"\xff\xff"]
    assert dead.headers[REASON].isprintable()
    assert (done.swaps, done.poisoned) == (1, False)


def test_a_message_without_an_id_is_known_by_stream_and_sequence() -> None:
    delivery = Delivery(b"?", {}, seq=11, delivered=1, pending=0)
    done = answer(delivery, parse_message({}, b"?", 11, CREATED))
    assert done.outputs[0].headers[MSG_ID] == f"swap:{CREATED}:11"
    assert done.dead_letters[0].body == b"?"
    assert POSITION not in done.dead_letters[0].headers
