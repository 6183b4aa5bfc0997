from __future__ import annotations

from pathlib import Path

import pytest

from pw_common.jetstream.consuming.worker import Delivery
from pw_common.service.metrics import Metrics
from pw_common.wire.envelope import TxHeaders, compress, tx_headers
from pw_common.wire.framing import frame, join
from pw_geyser import geyser_pb2 as pb
from pw_parser.core.batch import parse_message
from pw_parser.isolate import SUSPECT_DELIVERIES, NoVerdict, crashing_updates
from pw_parser.shell import Queue, handler

CRASHING = "crashing_parse"
SLOW_TO_START = "slow_to_start_parse"
# Less than that one takes to start.
SHORT_S = 0.5
# A busy machine may take this long to start one.
PATIENT_S = 150.0


@pytest.fixture(autouse=True)
def _on_the_childs_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=":")


def slot_update(slot: int) -> bytes:
    return pb.SubscribeUpdate(slot=pb.SubscribeUpdateSlot(slot=slot)).SerializeToString()


def delivery(updates: list[bytes], delivered: int) -> Delivery:
    headers = tx_headers(TxHeaders("tx:1", len(updates), "main", 1, 0))
    return Delivery(compress(join(updates)), headers, 5, delivered, 0)


@pytest.mark.parametrize(
    ("update", "reason"),
    [
        (b"raise", "crash: ZeroDivisionError: a bug"),
        (b"exit", "crash: exit code 7 while parsing"),
        (b"kill", "crash: killed by SIGSEGV while parsing"),
    ],
)
async def test_exactly_the_update_that_kills_is_named(update: bytes, reason: str) -> None:
    body = compress(join([b"fine", b"malformed", update, b"fine", update]))
    assert await crashing_updates(body, module=CRASHING) == {2: reason, 4: reason}


async def test_an_update_that_hangs_is_named_after_its_time() -> None:
    body = compress(join([b"fine", b"hang", b"fine"]))
    found = await crashing_updates(body, module=CRASHING, update_timeout_s=3.0)
    assert found == {1: "crash: no answer within 3 s"}


async def test_a_child_that_is_late_to_start_condemns_no_update() -> None:
    body = compress(join([b"fine", b"fine"]))
    assert await crashing_updates(body, module=SLOW_TO_START, update_timeout_s=SHORT_S) == {}


@pytest.mark.parametrize("module", [SLOW_TO_START, "no_such_module"])
async def test_a_child_that_never_starts_is_no_verdict(module: str) -> None:
    body = compress(join([b"fine", b"fine"]))
    with pytest.raises(NoVerdict):
        await crashing_updates(body, module=module, start_timeout_s=SHORT_S)


async def test_what_cannot_be_cut_is_left_to_the_parser() -> None:
    for body in (b"no zstd", compress(join([b"fine"]) + b"\xff")):
        assert await crashing_updates(body, module=CRASHING, start_timeout_s=PATIENT_S) == {}


def test_a_proven_crash_is_a_dead_letter_and_costs_only_itself() -> None:
    updates = [slot_update(1), b"raise", slot_update(3)]
    one = delivery(updates, 1)
    outcome = parse_message(one.headers, one.body, 5, "", {1: "crash: a bug"})
    assert outcome.batch.counts.slots == 2
    assert outcome.batch.counts.malformed == 1
    assert [tuple(letter) for letter in outcome.dead_letters] == [
        (1, "crash: a bug", frame(b"raise"))
    ]


async def test_a_delivery_count_alone_never_makes_a_dead_letter() -> None:
    metrics = Metrics("parser", "1")
    handle = handler(Queue(None), metrics)
    updates = [slot_update(1), slot_update(2)]
    first = await handle(delivery(updates, 1))
    suspect = await handle(delivery(updates, SUSPECT_DELIVERIES + 20))
    assert suspect == first
    assert not suspect.dead_letters
    metrics.close()


async def test_a_suspect_message_without_a_verdict_is_parsed_and_nothing_of_it_is_dead() -> None:
    metrics = Metrics("parser", "1")
    updates = [slot_update(1), slot_update(2)]
    first = await handler(Queue(None), metrics)(delivery(updates, 1))
    handle = handler(Queue(None), metrics, parse_module="no_such_module")
    assert await handle(delivery(updates, SUSPECT_DELIVERIES)) == first
    metrics.close()


async def test_a_suspect_message_is_tried_in_a_child_first() -> None:
    metrics = Metrics("parser", "1")
    handle = handler(Queue(None), metrics, parse_module=CRASHING)
    updates = [b"kill", slot_update(2)]
    done = await handle(delivery(updates, SUSPECT_DELIVERIES))
    assert [letter.headers["Pw-Reason"] for letter in done.dead_letters] == [
        "crash: killed by SIGSEGV while parsing"
    ]
    assert not done.poisoned
    metrics.close()
