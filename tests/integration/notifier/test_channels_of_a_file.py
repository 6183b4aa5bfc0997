"""Channels of the notifier's file are shown, changed and kept by what changes channels."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from pw_common.documents.channels import channels_of
from pw_common.documents.document import BadDocument
from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from pw_notifier.channel_file import ChannelFile
from support.api_run import Command, stored, system
from support.broker import provisioned
from support.notifying import dead_letters, delivered, fire, of_rules, said
from support.poll import poll_until
from support.receiver import Receiver, receiving
from support.services import running_service

HELD = "holds 2 alerts"


def entry(name: str, url: str) -> str:
    return (
        f"- {{name: {name}, kind: webhook, url: '{url}/{name}', secret: {'s' * 24}, "
        "kinds: [opened]}\n"
    )


async def listening(bus: Bus, *names: str) -> None:
    async def found() -> bool:
        there = (await bus.api("CONSUMER.NAMES.PW_ALERT")).get("consumers") or []
        return sorted(there) == sorted(f"notifier-{name}" for name in names)

    await poll_until(found, f"durables of {names}", timeout_s=30)


@asynccontextmanager
async def with_file(
    folder: Path, receiver: Receiver, text: str
) -> AsyncIterator[tuple[Bus, Command, str, Path]]:
    """A system whose notifier has a file with two channels that hold two alerts each."""
    path = folder / "channels.yaml"
    path.write_text(text)
    async with system(folder) as (bus, command, broker):
        environ = broker | {"PW_NOTIFIER_CHANNELS_FILE": str(path)}
        async with running_service("pw_notifier", environ) as (_, url):
            await listening(bus, "hook", "ops")
            receiver.always = (401, {}, b"no")
            await fire(bus, 1, 2)
            await said(url, f"hook {HELD}")
            await said(url, f"ops {HELD}")
            yield bus, command, url, path


async def test_a_first_channel_keeps_those_of_the_file_and_what_they_hold(tmp_path: Path) -> None:
    with receiving() as receiver:
        text = "entries:\n" + entry("hook", receiver.url) + entry("ops", receiver.url)
        async with with_file(tmp_path, receiver, text) as (bus, command, url, path):
            listed = await command("channels", "list", COLUMNS="200")
            assert listed.code == 0
            assert "hook" in listed.out
            assert "ops" in listed.out
            assert "No channels" not in listed.out
            assert "file" in listed.out
            shown = msgspec.json.decode((await command("channels", "list", "--json")).out)
            assert (shown["revision"], shown["from"]) == (0, "file")
            assert {one["secret"] for one in shown["entries"]} == {"(kept)"}
            added = await command("channels", "add", "new", "console")
            assert added.code == 0, added
            assert "no longer" in added.out
            names = [one["name"] for one in (await stored(bus, "channels"))["entries"]]
            assert names == ["hook", "ops", "new"]
            await listening(bus, "hook", "ops", "new")
            await said(url, f"hook {HELD}")
            receiver.always = (204, {}, b"")
            assert (await command("channels", "test", "hook")).code == 0
            assert (await command("channels", "test", "ops")).code == 0
            await delivered(receiver, 1, 1, 2, 2)
            assert await dead_letters(bus) == 0
            path.write_text("entries: []\n")
            gone = await command("channels", "rm", "hook", "ops", "new")
            assert gone.code == 0, gone
            assert "alerts go nowhere" in gone.out
            assert "alerts go nowhere" in (await command("channels", "list")).out
            await listening(bus)


async def test_a_channel_of_the_file_is_turned_off_by_name(tmp_path: Path) -> None:
    with receiving() as receiver:
        text = "entries:\n" + entry("hook", receiver.url) + entry("ops", receiver.url)
        async with with_file(tmp_path, receiver, text) as (bus, command, _, _):
            off = await command("channels", "off", "hook")
            assert off.code == 0, off
            entries = {one["name"]: one for one in (await stored(bus, "channels"))["entries"]}
            assert {name: one["enabled"] for name, one in entries.items()} == {
                "hook": False,
                "ops": True,
            }
            assert entries["hook"]["secret"] == "s" * 24


async def test_a_file_that_is_written_bit_by_bit_drops_no_channel_and_no_alert(
    tmp_path: Path,
) -> None:
    with receiving() as receiver:
        text = "entries:\n" + entry("hook", receiver.url) + entry("ops", receiver.url)
        async with with_file(tmp_path, receiver, text) as (bus, _, url, path):
            for part in ("", "# only a comment\n", "who: somebody\n"):
                path.write_text(part)
                await said(url, "cannot be read")
                await listening(bus, "hook", "ops")
                path.write_text(text)
                await said(url, f"hook {HELD}")
            receiver.always = (204, {}, b"")
            path.write_text(text.replace("kinds: [opened]", "kinds: [opened], late_after_s: 1"))
            await delivered(receiver, 1, 1, 2, 2)
            assert await dead_letters(bus) == 0
            path.write_text("entries:\n" + entry("ops", receiver.url))
            await listening(bus, "ops")
            assert len(of_rules(receiver)) == 2


async def test_half_a_list_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    half = "entries:\n" + entry("hook", "https://example.com")
    whole = half + entry("ops", "https://example.com")
    path = tmp_path / "channels.yaml"
    path.write_text(whole)
    async with provisioned(tmp_path / "broker") as (_, bus):
        file = ChannelFile(bus, path)

        async def names() -> list[str]:
            return [one.name for one in (await file.channels()).entries]

        assert await names() == ["hook", "ops"]
        path.write_text(half)
        assert await names() == ["hook", "ops"]
        path.write_text(whole)
        assert [await names(), await names()] == [["hook", "ops"]] * 2
        path.write_text(half)
        assert [await names(), await names()] == [["hook", "ops"], ["hook"]]
        announced = await bus.kv_get(subjects.BUCKET_CONFIG, subjects.KEY_CHANNELS_FILE)
        assert announced is not None
        assert announced[0].count(b'"name"') == 1


async def test_without_a_file_any_more_its_channels_are_not_shown(tmp_path: Path) -> None:
    with receiving() as receiver:
        path = tmp_path / "channels.yaml"
        path.write_text("entries:\n" + entry("hook", receiver.url))
        async with system(tmp_path) as (bus, command, broker):
            assert "own output" in (await command("channels", "list")).out
            environ = broker | {"PW_NOTIFIER_CHANNELS_FILE": str(path)}
            async with running_service("pw_notifier", environ):
                await listening(bus, "hook")
                assert "hook" in (await command("channels", "list")).out
            async with running_service("pw_notifier", broker):
                await listening(bus, "console")
                assert "own output" in (await command("channels", "list")).out
                history = await bus.api("STREAM.INFO.KV_pw_config", {"subjects_filter": ">"})
                key = f"$KV.pw_config.{subjects.KEY_CHANNELS_FILE}"
                # A marker beside the last value: a file that changes often fills no bucket.
                assert history["state"]["subjects"][key] <= 2


async def test_a_first_channel_takes_away_none_that_the_api_cannot_read(tmp_path: Path) -> None:
    async with system(tmp_path) as (bus, command, _):
        body = b'{"entries":[{"name":"hook","kind":"pager"}]}'
        await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_CHANNELS_FILE, body)
        refused = await command("channels", "add", "new", "console")
        assert (refused.code, refused.out) == (1, "")
        assert "file cannot be read here" in refused.err
        assert await bus.kv_get(subjects.BUCKET_CONFIG, subjects.KEY_CHANNELS) is None


@pytest.mark.parametrize("body", [b"", b"\n\n", b"# nothing\n", b"null", b"who: x\n", b"{}"])
def test_a_document_without_entries_is_no_list_of_none(body: bytes) -> None:
    with pytest.raises(BadDocument, match="allowed: `entries:` with a list of channels"):
        channels_of(body)


def test_a_field_that_channels_do_not_have_is_named() -> None:
    with pytest.raises(BadDocument, match="'entry': no such field; there are: entries, who, at_ms"):
        channels_of(b"entries: []\nentry: {}")


def test_a_file_may_say_that_there_are_no_channels() -> None:
    assert channels_of(b"entries: []").entries == ()
