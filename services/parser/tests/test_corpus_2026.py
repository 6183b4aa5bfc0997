"""Transactions of 2024 to 2026: new venues, routers and bots, fills, and the list as no gate."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from solders.signature import Signature

from pw_common.wire.framing import split
from pw_common.wire.limits import CONFIDENCE_MIN
from pw_common.wire.messages import RoundTrip, Swap, encode
from pw_geyser import geyser_pb2
from pw_parser.core.decode.programs import BUILT_IN, Programs
from pw_parser.core.drift import DriftWatch
from pw_parser.core.parse import Parsed, parse

# What the rewriting leaves: programs by which balances and calls are read at all.
BASIC = {
    "system", "token", "token_2022", "associated_token", "compute_budget", "memo", "memo_v1",
}  # fmt: skip
# Swaps beyond the expected one, each with why it is a trade as well.
EXTRA = {
    # Token for token: both legs are given, and the expectation names one.
    "VYDwTuhxqa", "27f6P1sV4s", "4bfz4iWGpF", "X6BCc3aYRN",
    # Two signers trade with one pool in one transaction; the pool's events name both.
    "2drUaXQWXN", "gauADRJViX",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(corpus_dir: Path) -> Path:
    made = corpus_dir / "2026"
    if not (made / "expected.jsonl").is_file():
        pytest.skip(f"NO REAL TRANSACTIONS in {made}")
    return made


@pytest.fixture(scope="module")
def updates(folder: Path) -> list[bytes]:
    return list(split(gzip.decompress((folder / "assorted.pb.gz").read_bytes())))


@pytest.fixture(scope="module")
def parsed(updates: list[bytes]) -> list[Parsed]:
    return [parse(update) for update in updates]


def swaps_of(parsed: list[Parsed]) -> list[Swap]:
    return [event for one in parsed for event in one.events if isinstance(event, Swap)]


def expectations(folder: Path) -> dict[str, dict[str, object]]:
    lines = (folder / "expected.jsonl").read_text(encoding="utf-8").splitlines()
    return {one["signature"]: one for one in map(json.loads, lines)}


@pytest.mark.corpus
def test_every_trade_is_right_and_nothing_is_invented(
    folder: Path, corpus_dir: Path, parsed: list[Parsed], tmp_path: Path
) -> None:
    scorer = corpus_dir.parent / "tools" / "score_swaps.py"
    if not scorer.is_file():
        pytest.skip(f"NO SCORER at {scorer}")
    found = tmp_path / "swaps.jsonl"
    found.write_bytes(b"".join(encode(swap) + b"\n" for swap in swaps_of(parsed)))
    scored = subprocess.run(
        [sys.executable, scorer, folder / "expected.jsonl", found, "--show", "20"],
        capture_output=True,
        text=True,
        check=True,
    )
    figures = json.loads(scored.stdout.splitlines()[-1])
    assert figures["trades"] == 59
    assert figures["right_pct"] == 100, scored.stdout
    assert figures["base_exact_pct"] == 100, scored.stdout
    assert figures["quote_close_pct"] >= 99, scored.stdout
    assert figures["false_sure"] == figures["false_weak"] == 0, scored.stdout


@pytest.mark.corpus
def test_every_extra_swap_is_explained(folder: Path, parsed: list[Parsed]) -> None:
    wanted = expectations(folder)
    extra = set()
    for swap in swaps_of(parsed):
        want = wanted.get(swap.signature)
        if want is not None and want["expect"] == "trade":
            same = (swap.trader, swap.side, swap.mint)
            if same != (want["trader"], want["side"], want["mint"]):
                extra.add(swap.signature[:10])
    assert extra == EXTRA


@pytest.mark.corpus
def test_events_disagree_with_few_swaps_and_drown_none(parsed: list[Parsed]) -> None:
    swaps = swaps_of(parsed)
    disagreeing = [swap for swap in swaps if "event_disagrees" in swap.reasons]
    assert len(disagreeing) <= 0.03 * len(swaps)


@pytest.mark.corpus
def test_a_trade_in_one_pool_is_never_below_the_threshold_for_being_unlisted(
    parsed: list[Parsed],
) -> None:
    for swap in swaps_of(parsed):
        if "venue_unlisted" in swap.reasons and "program_vault" not in swap.reasons:
            assert swap.confidence >= CONFIDENCE_MIN, swap


@pytest.mark.corpus
def test_round_trips_end_where_they_began(folder: Path, parsed: list[Parsed]) -> None:
    """None of one dollar for another, of a keeper's fill, or beside a trade."""
    wanted = expectations(folder)
    trips = [event for one in parsed for event in one.events if isinstance(event, RoundTrip)]
    assert {wanted[trip.signature]["expect"] for trip in trips} == {"none"}
    dollars = {"TyswJcg75P", "4YxRYZzfV4", "4J3eXqyTHL"}
    assert not dollars & {trip.signature[:10] for trip in trips}
    assert len(trips) == 12


@pytest.mark.corpus
def test_no_venue_of_today_writes_what_its_table_does_not_explain(parsed: list[Parsed]) -> None:
    watch = DriftWatch()
    for one in parsed:
        said = one.said
        assert not [u for u in said.unparsed if u.venue == "meteora_dlmm"]
        watch.fold(one.slot, dict(said.called), (), {u.venue: 1 for u in said.unparsed})
    assert watch.drifts() == ()


def renamed(update: bytes, keep: frozenset[bytes]) -> bytes:
    """The same transaction with every other program under a random key."""
    message = geyser_pb2.SubscribeUpdate.FromString(update)
    info = message.transaction.transaction
    fields = (
        info.transaction.message.account_keys,
        info.meta.loaded_writable_addresses,
        info.meta.loaded_readonly_addresses,
    )
    keys = [key for field in fields for key in field]
    called = [one.program_id_index for one in info.transaction.message.instructions]
    called += [i.program_id_index for g in info.meta.inner_instructions for i in g.instructions]
    programs = {keys[index] for index in called} - keep
    for field in fields:
        for at, key in enumerate(field):
            if key in programs:
                field[at] = hashlib.sha256(b"another program " + key).digest()
    return message.SerializeToString()


def traded(parsed: Parsed) -> set[tuple[object, ...]]:
    return {
        (s.trader, s.side, s.mint, s.base_amount_raw, s.quote_mint, s.quote_amount_raw)
        for s in swaps_of([parsed])
    }


def token_moved(update: bytes) -> bool:
    meta = geyser_pb2.SubscribeUpdate.FromString(update).transaction.transaction.meta
    before, after = (
        {row.account_index: row.ui_token_amount.amount for row in rows}
        for rows in (meta.pre_token_balances, meta.post_token_balances)
    )
    return any(before.get(i, "0") != after.get(i, "0") for i in before.keys() | after.keys())


def ids(of: Callable[[str, str], bool]) -> frozenset[bytes]:
    return frozenset(k for k, one in BUILT_IN.by_key.items() if of(one.name, one.kind))


@pytest.mark.corpus
@pytest.mark.parametrize("with_list", [True, False], ids=["non-exchanges listed", "empty list"])
def test_the_list_is_no_gate(
    corpus_dir: Path,
    folder: Path,
    real_updates: list[bytes],
    updates: list[bytes],
    with_list: bool,
) -> None:
    """Known non-exchanges keep their ids in the first run; in the second nothing is listed."""
    basic = ids(lambda name, _: name in BASIC)
    keep = basic | ids(lambda _, kind: with_list and kind == "non_exchange")
    table = Programs({key: BUILT_IN.by_key[key] for key in keep}, "", frozenset())
    wanted = expectations(corpus_dir) | expectations(folder)
    same = total = moved = 0
    invented: set[str] = set()
    for update in (*real_updates, *updates):
        read = parse(update)
        if read.kind != "transaction" or read.failed or read.vote:
            continue
        again = parse(renamed(update, keep), table)
        total += len(traded(read))
        same += len(traded(read) & traded(again))
        info = geyser_pb2.SubscribeUpdate.FromString(update).transaction.transaction
        signature = str(Signature.from_bytes(info.signature))
        if wanted.get(signature, {}).get("expect") == "none":
            moved += token_moved(update)
            if traded(again):
                invented.add(signature[:10])
    assert total >= 330
    assert same >= 0.95 * total, (same, total)
    assert moved >= 120
    # A vault of Jupiter Lend takes 42 SOL and lends 40 jupSOL: by balances alone, a trade.
    assert invented == (set() if with_list else {"2VvCxb438u"})
