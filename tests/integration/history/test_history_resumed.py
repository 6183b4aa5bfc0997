"""`pw capture --rpc --slots`, ended in the middle: it goes on there, and forgets nothing."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from pw_common.wire.captures import read_capture
from pw_geyser import geyser_pb2 as pb
from pw_replay.market import generate
from support.archive_node import Answer, Archive, archive_node, archive_of
from support.history import capture, kinds, pw, span, start
from support.poll import poll_until


@pytest.fixture
def archive() -> Archive:
    return archive_of(list(generate(seed=5, minutes=0.5, tps=40)))


async def killed_at(archive: Archive, out: Path, stuck: int, *more: str) -> None:
    """A run that ends in the middle: the node lets it wait for this block."""

    def odd(method: str, first: Any, _number: int) -> Answer | None:
        return (503, {"Retry-After": "60"}, b"") if (method, first) == ("getBlock", stuck) else None

    archive.odd = odd
    part = out.with_name(f"{out.name}.part")
    process = await start(*capture(archive, out, *more), "--patience", "600")

    async def has_come_there() -> bool:
        if ("getBlock", stuck) not in archive.asked:
            return False
        before = max(slot for slot in archive.blocks if slot < stuck)
        held = map(pb.SubscribeUpdate.FromString, read_capture(part, named=out))
        return any(one.block_meta.slot == before for one in held)

    await poll_until(has_come_there, "all before the stuck slot is there", timeout_s=60)
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    archive.odd = lambda _method, _first, _number: None


async def test_a_run_that_goes_on_knows_what_an_earlier_one_left_out(
    archive: Archive, tmp_path: Path
) -> None:
    _, _, slots = span(archive)
    missing = slots[20]
    held = archive.blocks.pop(missing)
    out = tmp_path / "some.pb.zst"
    with archive_node(archive):
        await killed_at(archive, out, slots[30], "--allow-missing")
        # The node has it by now, and the file's order is the chain's.
        archive.blocks[missing] = held
        code, said = await pw(*capture(archive, out))
        assert code == 2, said
        assert f"an earlier run with --allow-missing left out slot {missing};" in said
        assert "remove the file" in said
        assert not out.exists()
        code, said = await pw(*capture(archive, out, "--allow-missing"))
    assert code == 1, said
    assert f"missing: slot {missing}: an earlier run left it out" in said
    assert "NOT WHOLE: 1 missing" in said
    assert kinds(out)[0] == [slot for slot in slots if slot != missing]


async def test_what_a_list_leaves_out_before_a_missing_block_is_named_too(
    archive: Archive, tmp_path: Path
) -> None:
    _, _, slots = span(archive)
    gone = slots[20:23]
    for slot in gone:
        del archive.blocks[slot]
    out = tmp_path / "some.pb.zst"
    with archive_node(archive):
        await killed_at(archive, out, slots[30], "--allow-missing")
        code, said = await pw(*capture(archive, out, "--allow-missing"))
        assert code == 1, said
        assert f"missing: slots {slots[19] + 1} to {gone[-1]}: of slot {gone[-1]}" in said
        out.unlink()
        code, said = await pw(*capture(archive, out, "--allow-missing"))
    assert code == 1, said
    assert f"missing: slots {slots[19] + 1} to {gone[-1]}: of slot {gone[-1]}" in said
    assert f"NOT WHOLE: {gone[-1] - slots[19]} missing" in said
    assert kinds(out)[0] == [slot for slot in slots if slot not in gone]


async def test_a_killed_run_is_gone_on_with_where_it_ended(
    archive: Archive, tmp_path: Path
) -> None:
    _, _, slots = span(archive)
    out = tmp_path / "some.pb.zst"
    with archive_node(archive):
        await killed_at(archive, out, slots[30])
        # As if it was killed while it wrote.
        with (tmp_path / "some.pb.zst.part").open("ab") as file:
            file.write(b"\x28\xb5\x2f\xfd torn")
        archive.asked.clear()
        code, said = await pw(*capture(archive, out))
    assert code == 0, said
    assert "goes on behind slot" in said
    assert kinds(out)[0] == slots
    assert ("getBlock", slots[5]) not in archive.asked


async def test_a_stopped_run_says_so_and_keeps_what_it_has(
    archive: Archive, tmp_path: Path
) -> None:
    _, _, slots = span(archive)

    def odd(method: str, first: Any, _number: int) -> Answer | None:
        is_late = method == "getBlock" and first >= slots[10]
        return (429, {"Retry-After": "60"}, b"") if is_late else None

    archive.odd = odd
    out = tmp_path / "some.pb.zst"
    with archive_node(archive):
        process = await start(*capture(archive, out), "--patience", "600")

        async def has_come_there() -> bool:
            return ("getBlock", slots[10]) in archive.asked

        await poll_until(has_come_there, "the node limits", timeout_s=60)
        process.send_signal(signal.SIGINT)
        said, _ = await process.communicate()
    assert process.returncode == 1, said
    assert b"NOT WHOLE: stopped" in said
    assert not out.exists()
    assert (tmp_path / "some.pb.zst.part").stat().st_size > 0
