"""`pw capture --rpc`: real history as captures, whole or said not to be, and gone on with."""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Any

import pytest

from pw_common.wire.captures import BadCapture, read_capture
from pw_common.wire.limits import UPDATE_BYTES_MAX
from pw_replay.market import generate
from support.archive_node import Answer, Archive, archive_node, archive_of, refused
from support.history import FAST, capture, kinds, pw, span, swaps


@pytest.fixture(scope="module")
def market() -> list[bytes]:
    return list(generate(seed=5, minutes=0.5, tps=40))


@pytest.fixture
def archive(market: list[bytes]) -> Archive:
    return archive_of(market)


@pytest.mark.corpus
@pytest.mark.timeout(300)
async def test_a_block_as_history_gives_the_swaps_of_the_same_block_as_a_stream(
    corpus_dir: Path, tmp_path: Path
) -> None:
    path = corpus_dir / "block-285000037.pb.gz"
    streamed = list(read_capture(path))
    node = archive_of(streamed)
    [slot] = node.blocks
    node.blocks[slot + 2] = {
        "parentSlot": slot,
        "blockhash": "after",
        "previousBlockhash": node.blocks[slot]["blockhash"],
        "transactions": [],
    }
    out = tmp_path / "block.pb.zst"
    with archive_node(node):
        code, said = await pw(
            "capture", "--rpc", node.url, "--slots", f"{slot}-{slot + 1}", "--out", out, *FAST
        )
    assert code == 0, said
    assert "whole" in said
    assert "NOT" not in said
    fetched = swaps(list(read_capture(out)))
    assert len(fetched) > 30
    assert fetched == swaps(streamed)
    assert list(tmp_path.iterdir()) == [out]


async def test_a_block_that_is_missing_is_named_and_nothing_is_taken_for_whole(
    archive: Archive, tmp_path: Path
) -> None:
    _, _, slots = span(archive)
    missing = slots[20]
    held = archive.blocks.pop(missing)
    out = tmp_path / "some.pb.zst"
    with archive_node(archive):
        code, said = await pw(*capture(archive, out))
        assert code == 1, said
        assert f"NOT WHOLE: the block of slot {missing} is missing" in said
        assert not out.exists()
        with pytest.raises(BadCapture, match="not a capture by its name"):
            list(read_capture(tmp_path / "some.pb.zst.part"))
        archive.blocks[missing] = held
        archive.asked.clear()
        code, said = await pw(*capture(archive, out))
    assert code == 0, said
    assert kinds(out)[0] == slots
    # What was there already was not asked for again.
    asked = [first for method, first in archive.asked if method == "getBlock"]
    assert min(asked) == missing


async def test_a_capture_with_a_missing_block_is_finished_only_on_request_and_named(
    archive: Archive, tmp_path: Path
) -> None:
    _, _, slots = span(archive)
    missing = slots[20]
    del archive.blocks[missing]
    out = tmp_path / "some.pb.gz"
    with archive_node(archive):
        code, said = await pw(*capture(archive, out, "--allow-missing"))
    assert code == 1, said
    assert f"missing: slot {missing}" in said
    assert "NOT WHOLE: 1 missing" in said
    assert kinds(out)[0] == [slot for slot in slots if slot != missing]


async def test_a_block_too_large_to_be_read_back_is_named_and_never_written(
    archive: Archive, tmp_path: Path
) -> None:
    _, _, slots = span(archive)
    large = slots[20]
    block = copy.deepcopy(archive.blocks[large])
    block["transactions"][0]["meta"]["logMessages"] = ["x" * UPDATE_BYTES_MAX]
    archive.blocks[large] = block
    out = tmp_path / "some.pb.zst"
    with archive_node(archive):
        code, said = await pw(*capture(archive, out))
        assert code == 1, said
        assert f"NOT WHOLE: the block of slot {large} is missing: the node's answer" in said
        assert f"at most {UPDATE_BYTES_MAX}" in said
        code, said = await pw(*capture(archive, out, "--allow-missing"))
    assert code == 1, said
    assert kinds(out)[0] == [slot for slot in slots if slot != large]


async def test_what_a_node_leaves_out_of_its_list_is_found_by_the_chain(
    archive: Archive, tmp_path: Path
) -> None:
    _, _, slots = span(archive)
    archive.unlisted = {slots[0], slots[9], slots[10], slots[-1]}
    out = tmp_path / "some.pb.zst"
    with archive_node(archive):
        code, said = await pw(*capture(archive, out))
    assert code == 0, said
    assert kinds(out)[0] == slots


@pytest.mark.parametrize("lie", ["previousBlockhash", "parentSlot"])
async def test_a_node_that_contradicts_itself_gives_no_capture(
    archive: Archive, tmp_path: Path, lie: str
) -> None:
    _, _, slots = span(archive)
    block = archive.blocks[slots[7]]
    archive.blocks[slots[7]] = {
        **block,
        lie: "elsewhere" if lie == "previousBlockhash" else slots[4],
    }
    out = tmp_path / "some.pb.zst"
    with archive_node(archive):
        code, said = await pw(*capture(archive, out))
    assert code == 1, said
    assert "the node contradicts itself" in said
    assert not out.exists()


async def test_the_end_of_a_span_is_whole_only_when_a_block_behind_it_shows_it(
    archive: Archive, tmp_path: Path
) -> None:
    _, last, slots = span(archive)
    behind = {slot: block for slot, block in archive.blocks.items() if slot > last}
    for slot in behind:
        del archive.blocks[slot]
    out = tmp_path / "some.pb.zst"
    with archive_node(archive) as node:
        words = (
            "capture", "--rpc", node.url, "--slots", f"{slots[0]}-{last}", "--out", out, *FAST,
        )  # fmt: skip
        code, said = await pw(*words)
        assert code == 1, said
        assert f"no block behind slot {last}" in said
        assert not out.exists()
        archive.blocks |= behind
        code, said = await pw(*words)
    assert code == 0, said
    assert kinds(out)[0] == slots


async def test_a_limit_is_waited_for_and_the_rate_is_kept(archive: Archive, tmp_path: Path) -> None:
    _, _, slots = span(archive)
    at_s: list[float] = []
    limited: list[Any] = []

    def odd(method: str, first: Any, _number: int) -> Answer | None:
        at_s.append(time.monotonic())
        if (method, first) == ("getBlock", slots[3]) and len(limited) < 2:
            limited.append(first)
            return 429, {"Retry-After": "1"}, b""
        return None

    archive.odd = odd
    out = tmp_path / "some.pb.zst"
    with archive_node(archive):
        words = capture(archive, out)
        code, said = await pw(*words, "--rpc-rate", "40", "--patience", "30")
    assert code == 0, said
    assert "HTTP 429; waits 1.0 s" in said
    assert kinds(out)[0] == slots
    # No second has more than the rate says, and one for what came late to the node.
    assert all(sum(begin <= one < begin + 1 for one in at_s) <= 44 for begin in at_s), sorted(at_s)


async def test_a_node_that_is_away_or_denies_us_ends_as_a_source_that_is_away(
    archive: Archive, tmp_path: Path
) -> None:
    out = tmp_path / "some.pb.zst"
    archive.odd = lambda _method, _first, _number: (401, {}, b"")
    with archive_node(archive):
        code, said = await pw(*capture(archive, out))
    assert code == 69, said
    assert "denies us" in said
    # No file is named that is not there.
    assert f"{out}: nothing was fetched, and nothing is kept; NOT WHOLE: " in said
    assert ".part" not in said
    assert list(tmp_path.iterdir()) == []
    code, said = await pw(*capture(archive, out), "--patience", "1")
    assert code == 69, said
    assert "nothing is kept" in said


async def test_what_was_asked_before_is_not_mixed_with_something_else(
    archive: Archive, tmp_path: Path
) -> None:
    first, _, slots = span(archive)
    out = tmp_path / "some.pb.zst"
    held = archive.blocks.pop(slots[9])
    with archive_node(archive):
        code, said = await pw(*capture(archive, out))
        assert code == 1, said
        words = list(capture(archive, out))
        words[words.index("--slots") + 1] = f"{first}-{slots[4]}"
        code, said = await pw(*words)
        assert code == 2, said
        assert "of another request" in said
        archive.blocks[slots[9]] = held
        code, said = await pw(*capture(archive, out))
        assert code == 0, said
        code, said = await pw(*capture(archive, out))
    assert code == 2, said
    assert "is there already" in said


async def test_secrets_of_the_node_are_never_shown(archive: Archive, tmp_path: Path) -> None:
    key = "d41d8cd98f00b204e9800998ecf8427e"
    archive.odd = lambda _method, _first, number: refused(-32601, f"no {key} here", number)
    with archive_node(archive) as node:
        archive.url = f"{node.url}/v2/{key}"
        code, said = await pw(*capture(archive, tmp_path / "some.pb.zst"))
    assert code == 1, said
    assert key not in said
