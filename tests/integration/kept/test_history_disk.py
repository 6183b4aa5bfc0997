"""History without room, without its file, and copied while it works."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import duckdb
import httpx
import msgspec
import pytest

from pw_cli.backup import manifest as mf
from pw_common.topology import subjects
from pw_common.wire.history import SwapsAsked
from support.asked import asked, kept_up_to
from support.broker import provisioned
from support.command import pw
from support.kept_market import Market, all_swaps, publish, settings, wanted
from support.poll import poll_until
from support.services import running_service

LAST = SwapsAsked(limit=1)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return Market(tmp_path_factory.mktemp("market"))


def mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode == 0


def unmount(disk: Path) -> None:
    subprocess.run(["umount", "-l", str(disk)], check=False)


async def readiness(url: str) -> tuple[bool, str]:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = (await client.get(f"{url}/readyz")).json()
    return answer["ready"], answer["reason"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
async def test_a_full_disk_is_said_and_with_room_it_goes_on_from_its_position(
    tmp_path: Path, market: Market
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)):
        pytest.skip("no tmpfs can be mounted here")
    try:
        async with provisioned(tmp_path / "broker") as (broker, bus):
            environ = settings(broker.url, disk) | {"PW_HISTORY_FREE_BYTES_MIN": "0"}
            async with running_service("pw_history", environ) as (process, url):
                await kept_up_to(bus, 0, LAST)
                blob = disk / "filler"
                with blob.open("wb") as file:
                    file.write(b"x" * (os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize))
                for batch in market.batches:
                    await publish(bus, batch)

                async def full() -> bool:
                    ready, reason = await readiness(url)
                    return not ready and "disk is full" in reason

                await poll_until(full, "a history that says that its disk is full")
                assert process.poll() is None
                blob.unlink()
                assert mount("-o", "remount,size=200m", str(disk))
                await kept_up_to(bus, market.slots[-1].slot, LAST)
                assert await all_swaps(bus) == wanted(market)
    finally:
        unmount(disk)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
async def test_room_is_left_to_others_on_its_disk_and_with_more_it_goes_on(
    tmp_path: Path, market: Market
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=200m", "tmpfs", str(disk)):
        pytest.skip("no tmpfs can be mounted here")
    blob = disk / "of-others"
    blob.write_bytes(b"x" * (80 << 20))
    half = len(market.batches) // 2
    try:
        async with provisioned(tmp_path / "broker") as (broker, bus):
            environ = settings(broker.url, disk) | {"PW_HISTORY_FREE_BYTES_MIN": str(128 << 20)}
            async with running_service("pw_history", environ) as (process, url):

                async def short() -> bool:
                    ready, reason = await readiness(url)
                    return not ready and "PW_HISTORY_FREE_BYTES_MIN" in reason

                await poll_until(short, "a history that says which room it leaves")
                for batch in market.batches[:half]:
                    await publish(bus, batch)
                head, _ = await asked(bus, LAST)
                assert (head.slot, head.swaps) == (0, 0)
                blob.unlink()
                for batch in market.batches[half:]:
                    await publish(bus, batch)
                await kept_up_to(bus, market.slots[-1].slot, LAST)
                assert await all_swaps(bus) == wanted(market)
                assert process.poll() is None
    finally:
        unmount(disk)


async def test_a_damaged_file_is_named_with_what_mends_it_and_nothing_is_answered_from_it(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "history.duckdb").write_bytes(os.urandom(64 * 1024))
    async with (
        provisioned(tmp_path / "broker") as (broker, _),
        running_service("pw_history", settings(broker.url, tmp_path)) as (process, url),
    ):

        async def said() -> str:
            ready, reason = await readiness(url)
            return "" if ready or "history.duckdb" not in reason else reason

        reason = await poll_until(said, "a history that names its file")
        assert "pw history rebuild" in reason
        assert process.poll() is None


async def test_a_backup_holds_history_as_it_was_at_one_moment(
    tmp_path: Path, market: Market
) -> None:
    half = len(market.batches) // 2
    async with provisioned(tmp_path / "broker") as (broker, bus):
        async with running_service("pw_history", settings(broker.url, tmp_path)):
            for batch in market.batches[:half]:
                await publish(bus, batch)
            head = await kept_up_to(bus, 1, LAST)
            copied = await pw("backup", str(tmp_path / "copy"), PW_NATS_URL=broker.url)
            assert copied.code == 0, copied
            for batch in market.batches[half:]:
                await publish(bus, batch)
            await kept_up_to(bus, market.slots[-1].slot, LAST)
        manifest = mf.read(tmp_path / "copy")
        assert manifest.history is not None
        path = mf.history_of(tmp_path / "copy")
        with duckdb.connect(str(path), read_only=True) as connection:
            slot = connection.execute("SELECT slot FROM position").fetchone()
            count = connection.execute("SELECT count(*) FROM swaps").fetchone()
        assert slot is not None
        assert slot[0] >= head.slot
        assert count == (sum(len(one.swaps) for one in market.slots if one.slot <= slot[0]),)
        # A history that begins with the copy goes on from there, and each swap counts once.
        (tmp_path / "again" / "kept").mkdir(parents=True)
        path.rename(tmp_path / "again" / "kept" / path.name)
        async with running_service("pw_history", settings(broker.url, tmp_path / "again")):
            await kept_up_to(bus, market.slots[-1].slot, LAST)
            assert await all_swaps(bus) == wanted(market)


async def test_what_is_no_question_is_refused_in_words(tmp_path: Path) -> None:
    async with (
        provisioned(tmp_path / "broker") as (broker, bus),
        running_service("pw_history", settings(broker.url, tmp_path)),
    ):
        await kept_up_to(bus, 0, LAST)
        reply = bus.client.new_inbox()
        listening = await bus.client.subscribe(reply)
        await bus.client.publish(subjects.ASK_HISTORY, b"\xff", reply=reply)
        heard = await listening.next_msg(timeout=20)
        assert (heard.reply, heard.data) == ("", b"")
        answer = await listening.next_msg(timeout=20)
        await answer.respond(b"")
        assert "not a question" in (answer.headers or {})["Pw-End"]
        head, rows = await asked(bus, LAST)
        assert (head.slot, rows) == (0, [])
        assert msgspec.json.encode(head)
