"""`pw backup` and `pw restore`: what they keep, what they refuse, and how they end."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from pw_cli.backup import manifest as mf
from pw_common.jetstream import snapshot
from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from pw_common.topology.queue_name import METADATA_RESTORED
from pw_common.topology.streams import METADATA_CREATED, MIB, Topology, declare, stream_created
from pw_provision.apply import Refused, apply
from support.broker import connected, provisioned, running_broker, small_topology
from support.command import pw, started
from support.poll import poll_until
from support.records import make_swap, store, store_batch, store_dead_letter

BODY_BYTES = 200_000


async def fill(bus: Bus, messages: int) -> None:
    """Messages in PW_TX that no compression makes small."""
    for number in range(messages):
        headers = {"Nats-Msg-Id": f"m{number}"}
        await store(bus, subjects.tx("main"), os.urandom(BODY_BYTES), headers)


async def state_of(bus: Bus, stream: str) -> dict[str, int]:
    state = (await bus.api(f"STREAM.INFO.{stream}"))["state"]
    # An empty stream says 0 or 1 of its first sequence.
    names = ("messages", "bytes", "last_seq", *(("first_seq",) if state["messages"] else ()))
    return {name: state[name] for name in names}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished backup with something in it."""
    folder = tmp_path_factory.mktemp("whole")

    async def make() -> None:
        async with provisioned(folder / "a") as (broker, bus):
            await fill(bus, 2)
            assert (await pw("backup", str(folder / "copy"), PW_NATS_URL=broker.url)).code == 0

    asyncio.run(make())
    return folder / "copy"


def test_every_stream_and_bucket_of_the_declaration_is_taken_or_left_out_by_name() -> None:
    declared = [one.name for one in declare().streams]
    declared += [f"KV_{one.name}" for one in declare().buckets]
    assert sorted(declared) == sorted((*mf.TAKEN, *mf.NOT_TAKEN))
    assert sorted(mf.GIVEN) == sorted(mf.TAKEN)


def test_a_claim_is_taken_before_what_it_claims() -> None:
    at = {name: number for number, name in enumerate(mf.TAKEN)}
    before = (
        ("KV_pw_detector", "PW_ALERT"),
        ("KV_pw_detector", "KV_pw_config"),
        ("PW_ALERT", "PW_SWAP"),
        ("KV_pw_source", "PW_GAP"),
        ("PW_GAP", "PW_TX"),
        ("PW_TX", "PW_DLQ"),
        ("PW_TX", "PW_SWAP"),
        ("PW_SWAP", "KV_pw_outbox"),
    )
    assert [pair for pair in before if at[pair[0]] >= at[pair[1]]] == []
    assert mf.GIVEN[-1] == "PW_TX"


async def test_sequences_consumers_identity_and_secrets_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    async with provisioned(tmp_path / "a") as (broker, bus):
        await fill(bus, 20)
        subscription = await bus.js.pull_subscribe_bind(consumer="parser", stream="PW_TX")
        taken = await subscription.fetch(10)
        for message in (*taken[:4], taken[7]):
            await message.ack_sync()
        await subscription.unsubscribe()
        await store_batch(bus, 1, make_swap("s1"))
        await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_CHANNELS, b"a secret")
        before = {name: await state_of(bus, name) for name in mf.TAKEN}
        created = stream_created(await bus.api("STREAM.INFO.PW_TX"))
        backup = await pw("backup", str(folder), PW_NATS_URL=broker.url)
    assert backup.code == 0, backup
    # The folder's name may be long; the last line is about history.
    assert max(map(len, backup.out.splitlines()[:-2])) <= 80
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {one.stat().st_mode & 0o777 for one in folder.iterdir()} == {0o600}
    async with running_broker(tmp_path / "b") as broker, connected(broker) as bus:
        given = await pw("restore", str(folder), PW_NATS_URL=broker.url)
        assert given.code == 0, given
        assert {name: await state_of(bus, name) for name in mf.TAKEN} == before
        assert stream_created(await bus.api("STREAM.INFO.PW_TX")) == created
        parser = await bus.api("CONSUMER.INFO.PW_TX.parser")
        assert (parser["ack_floor"]["stream_seq"], parser["num_ack_pending"]) == (4, 5)
        assert parser["num_pending"] == 10
        assert await bus.kv_get(subjects.BUCKET_CONFIG, subjects.KEY_CHANNELS) == (b"a secret", 1)
        # Of a restored stream's copy, too: it is the same stream for ever.
        again = await pw("backup", str(tmp_path / "again"), PW_NATS_URL=broker.url)
        assert again.code == 0, again
        (copy,) = [one for one in mf.read(tmp_path / "again").copies if one.name == "PW_TX"]
        assert copy.created == created


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("flip", "sha-256"),
        ("cut", "bytes"),
        ("lose", "cannot be read"),
        ("unfinished", "not finished"),
        ("strange", "names ../../x"),
        ("format", "format 99"),
        ("garbage", "cannot be read"),
    ],
)
async def test_a_damaged_or_unfinished_backup_is_refused_before_any_broker_is_asked(
    whole: Path, tmp_path: Path, spoil: str, said: str
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(whole, folder)
    path, manifest = folder / "PW_TX.snapshot", folder / mf.NAME
    body = bytearray(path.read_bytes())
    if spoil == "flip":
        body[len(body) // 2] ^= 1
        path.write_bytes(body)
    elif spoil == "cut":
        path.write_bytes(body[:-1])
    elif spoil == "lose":
        path.unlink()
    elif spoil == "unfinished":
        manifest.unlink()
    elif spoil == "strange":
        manifest.write_text(manifest.read_text().replace('"PW_TX"', '"../../x"', 1))
    elif spoil == "format":
        manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 99', 1))
    else:
        manifest.write_bytes(b"{")
    given = await pw("restore", str(folder), PW_NATS_URL="nats://127.0.0.1:9")
    assert (given.code, given.out) == (1, "")
    assert said in given.err
    assert len(given.err.splitlines()) == 1


async def test_what_is_there_is_never_replaced_and_one_stream_can_be_given_alone(
    tmp_path: Path,
) -> None:
    folder = str(tmp_path / "copy")
    async with provisioned(tmp_path / "a") as (broker, bus):
        environ = {"PW_NATS_URL": broker.url}
        await store_dead_letter(bus, 7, b"\xff")
        assert (await pw("backup", folder, **environ)).code == 0
        refused = await pw("restore", folder, **environ)
        assert refused.code == 1
        assert "already there: KV_pw_detector" in refused.err
        assert "--only" in refused.err
        await bus.api("STREAM.DELETE.PW_DLQ")
        missing = await pw("backup", str(tmp_path / "other"), **environ)
        assert missing.code == 1
        assert "PW_DLQ not there" in missing.err
        unknown = await pw("restore", folder, "--only", "PW_X", **environ)
        assert unknown.code == 2
        assert "PW_DLQ" in unknown.err
        alone = await pw("restore", folder, "--only", "PW_DLQ", **environ)
        assert alone.code == 0, alone
        assert (await state_of(bus, "PW_DLQ"))["messages"] == 1


async def test_a_stream_that_provision_must_not_change_is_moved_with_its_messages(
    tmp_path: Path,
) -> None:
    folder = str(tmp_path / "copy")
    now = small_topology()
    older = Topology(
        streams=tuple(
            replace(one, discard="old", subjects=("pw.dlq.v0.>", *one.subjects))
            if one.name == subjects.STREAM_DLQ
            else one
            for one in now.streams
        ),
        consumers=now.consumers,
        buckets=now.buckets,
    )
    async with running_broker(tmp_path / "a") as broker, connected(broker) as bus:
        environ = {"PW_NATS_URL": broker.url}
        await apply(bus, older)
        for number in range(3):
            await store_dead_letter(bus, number, b"\xff")
        await bus.api("STREAM.MSG.DELETE.PW_DLQ", {"seq": 2})
        before = await state_of(bus, "PW_DLQ")
        with pytest.raises(Refused, match="discard"):
            await apply(bus, now)
        assert (await pw("backup", folder, **environ)).code == 0
        move = ("restore", folder, "--only", "PW_DLQ", "--replace", "--reconfigure")
        moved = await pw(*move, **environ)
        assert moved.code == 0, moved
        await apply(bus, now)
        assert await state_of(bus, "PW_DLQ") == before
        await store_dead_letter(bus, 9, b"\xff")
        grown = await pw(*move, **environ)
        assert grown.code == 1
        assert "has grown since: it ends at 4, the copy at 3" in grown.err
        assert (await state_of(bus, "PW_DLQ"))["messages"] == 3


async def test_another_stream_of_the_same_name_is_not_replaced(tmp_path: Path) -> None:
    folder = str(tmp_path / "copy")
    async with provisioned(tmp_path / "a") as (broker, bus):
        environ = {"PW_NATS_URL": broker.url}
        assert (await pw("backup", folder, **environ)).code == 0
        await bus.api("STREAM.DELETE.PW_GAP")
        await apply(bus, small_topology())
        refused = await pw("restore", folder, "--only", "PW_GAP", "--replace", **environ)
        assert refused.code == 1
        assert "not the stream that was copied" in refused.err


async def test_a_folder_that_holds_something_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    refused = await pw("backup", str(tmp_path), PW_NATS_URL="nats://127.0.0.1:9")
    assert refused.code == 2
    assert "not empty" in refused.err
    away = await pw("backup", str(tmp_path / "new"), PW_NATS_URL="nats://127.0.0.1:9")
    assert away.code == 69
    nothing = await pw("restore", str(tmp_path / "nowhere"), PW_NATS_URL="nats://127.0.0.1:9")
    assert nothing.code == 1
    assert "no such folder" in nothing.err


async def test_no_more_than_a_window_is_held_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "WINDOW_BYTES", 256 * 1024)
    held: list[int] = []
    async with provisioned(tmp_path) as (_, bus):
        await fill(bus, 100)

        def write(chunk: bytes) -> None:
            waiting = sum(one.pending_bytes for one in bus.client._subs.values())
            held.append(waiting + len(chunk))

        begun = await snapshot.take(bus, "PW_TX", write)
    assert begun.state["messages"] == 100
    assert len(held) > 100
    assert max(held) <= 256 * 1024


@pytest.mark.timeout(60)
async def test_a_broker_killed_in_the_middle_ends_it_with_69_and_leaves_no_manifest(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "copy"
    async with provisioned(tmp_path / "a") as (broker, bus):
        await fill(bus, 200)
        async with started("backup", str(folder), PW_NATS_URL=broker.url) as process:

            async def begun() -> bool:
                return (folder / f"{mf.TAKEN[0]}.snapshot").is_file()

            await poll_until(begun, "the first copy begun", every_s=0.001)
            # Held while the broker dies: else it might be through before that.
            process.send_signal(signal.SIGSTOP)
            assert not (folder / mf.NAME).exists()
            broker.kill()
            process.send_signal(signal.SIGCONT)
            _, err = await process.communicate()
    assert process.returncode == 69, err
    assert err.startswith(b"pw backup: ")
    given = await pw("restore", str(folder), PW_NATS_URL=broker.url)
    assert given.code == 1
    assert "was not finished" in given.err


async def test_the_manifest_says_what_was_copied_when_and_by_whom(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    async with provisioned(tmp_path / "a") as (broker, bus):
        await fill(bus, 3)
        assert (await pw("backup", str(folder), PW_NATS_URL=broker.url)).code == 0
    raw = msgspec.json.decode((folder / mf.NAME).read_bytes())
    assert raw["broker_version"].count(".") >= 2
    manifest = mf.read(folder)
    assert tuple(one.name for one in manifest.copies) == mf.TAKEN
    times = [ms for one in manifest.copies for ms in (one.began_ms, one.ended_ms)]
    assert times == sorted(times)
    (copy,) = [one for one in manifest.copies if one.name == "PW_TX"]
    assert (copy.messages, copy.last_seq) == (3, 3)
    assert copy.size_bytes == (folder / "PW_TX.snapshot").stat().st_size
    kept = mf.config_for(copy, None)
    assert kept["metadata"] == {METADATA_CREATED: copy.created, METADATA_RESTORED: "+3"}
    assert mf.config_for(copy, {"name": "PW_TX", "max_bytes": MIB})["max_bytes"] == MIB
