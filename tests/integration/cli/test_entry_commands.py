"""`pw rules | mutes | watch | channels` as a person runs them, against a real API."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pw_detection.rules.lists import shipped_mutes
from support.api_run import stored, system
from support.command import Ended, pw
from support.poll import poll_until
from support.receiver import receiving
from support.records import MINT, make_swap, store_batch
from support.services import running_service

WALLET = MINT
OTHER = "Vote111111111111111111111111111111111111111"
SHIPPED = shipped_mutes().entries[0].address
# A narrow pane and a wide terminal.
WIDTHS = ("40", "200")


def fits(result: Ended, width: str) -> None:
    assert result.code == 0, result
    assert max(len(line) for line in result.out.splitlines()) <= int(width), result.out


async def test_rules_are_added_turned_off_and_taken_away(tmp_path: Path) -> None:
    async with system(tmp_path) as (bus, command, _):
        added = await command(
            "rules", "add", "mine", "buy_count_5m >= 3", "unique_buyers_5m <= 5",
            "--gate", "price_sol > 0", "--severity", "critical", "--note", "to try",
        )  # fmt: skip
        assert (added.code, added.err) == (0, ""), added
        assert added.out.startswith("revision ")
        assert (await stored(bus, "triggers"))["note"] == "to try"
        listed = msgspec.json.decode((await command("rules", "list", "--json")).out)
        assert [one["name"] for one in listed["rules"]][-1] == "mine"
        assert len(listed["rules"]) == 9
        shown = [await command("rules", "list", COLUMNS=width) for width in WIDTHS]
        for one, width in zip(shown, WIDTHS, strict=True):
            fits(one, width)
            assert "mine" in one.out
        off = await command("rules", "off", "mine")
        assert off.code == 0, off
        assert (await stored(bus, "triggers"))["rules"][-1]["enabled"] is False
        twice = await command("rules", "add", "mine", "buy_count_5m >= 4")
        assert twice.code == 1
        assert "already" in twice.err
        wrong = await command("rules", "add", "other", "nothing > 3", "buy_count_5m >= x")
        assert (wrong.code, wrong.out) == (2, "")
        assert [line.partition(": '")[0] for line in wrong.err.splitlines()] == [
            "pw rules: conditions[0]",
            "pw rules: conditions[1]",
        ]
        replaced = await command("rules", "add", "mine", "buy_count_5m >= 4", "--replace")
        assert replaced.code == 0
        gone = await command("rules", "rm", "mine", "extreme_ratio")
        assert gone.code == 0, gone
        names = [one["name"] for one in (await stored(bus, "triggers"))["rules"]]
        assert len(names) == 7
        unknown = await command("rules", "rm", "mine")
        assert (unknown.code, unknown.out) == (1, "")
        assert unknown.err.startswith("pw rules: no rule mine; there are: ")


async def test_rules_of_a_file_are_added_at_once_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(
        "- {name: one, conditions: ['buy_count_5m >= 3']}\n- {name: two, conditions: [nothing]}\n"
    )
    async with system(tmp_path) as (bus, command, _):
        bad = await command("rules", "add", "--file", str(file))
        assert (bad.code, bad.out) == (2, "")
        assert "nothing" in bad.err
        file.write_text(file.read_text().replace("nothing", "'sell_count_5m >= 1'"))
        good = await command("rules", "add", "--file", str(file))
        assert good.code == 0, good
        names = [one["name"] for one in (await stored(bus, "triggers"))["rules"]]
        assert names[-2:] == ["one", "two"]
        again = await command("rules", "add", "--file", str(file))
        assert again.code == 2
        assert "one: there is such a rule already" in again.err
        missing = await command("rules", "add", "--file", str(tmp_path / "none.yaml"))
        assert missing.code == 1
        assert "none.yaml" in missing.err


async def test_a_dry_run_says_what_rules_would_have_fired(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("- {name: any, conditions: ['sell_count_5m >= 1']}\n")
    async with system(tmp_path) as (bus, command, _):
        for number in range(1, 4):
            await store_batch(bus, number, make_swap(f"s{number}"))
        result = await command("rules", "test", "--file", str(file))
        assert result.code == 0, result
        assert "any" in result.out
        assert "3 swaps" in result.out
        named = await command("rules", "test", "sybil_pattern", "--json")
        assert named.code == 0, named
        found = msgspec.json.decode(named.out)
        assert (found["state"], list(found["opened_by_rule"])) == ("done", ["sybil_pattern"])
        unknown = await command("rules", "test", "none")
        assert (unknown.code, unknown.out) == (1, "")


async def test_mutes_are_added_for_a_time_and_shipped_ones_taken_away_by_name(
    tmp_path: Path,
) -> None:
    async with system(tmp_path) as (bus, command, _):
        assert SHIPPED in (await command("mutes", "list", COLUMNS="200")).out
        added = await command("mutes", "add", WALLET, "--reason", "noisy", "--hours", "2")
        assert added.code == 0, added
        (mute,) = (await stored(bus, "mutes"))["entries"]
        assert (mute["of"], mute["reason"]) == ("token", "noisy")
        assert mute["until_ms"] > 0
        shown = [await command("mutes", "list", COLUMNS=width) for width in WIDTHS]
        for one, width in zip(shown, WIDTHS, strict=True):
            fits(one, width)
            assert "yours" in one.out
            assert "shipped" in one.out
        gone = await command("mutes", "rm", WALLET, SHIPPED)
        assert gone.code == 0, gone
        (left,) = (await stored(bus, "mutes"))["entries"]
        assert (left["address"], left["muted"]) == (SHIPPED, False)
        assert "not muted" in (await command("mutes", "list", COLUMNS="200")).out
        wrong = await command("mutes", "add", "x")
        assert (wrong.code, wrong.out) == (1, "")
        assert wrong.err == "pw mutes: address: allowed: the base58 address of a 32-byte key\n"
        endless = await command("mutes", "add", WALLET, "--hours", "-1")
        assert endless.code == 2


async def test_watched_addresses_come_one_by_one_or_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "friends.csv"
    file.write_text(f"address,label\n{OTHER},a friend\n")
    async with system(tmp_path) as (bus, command, _):
        assert "Nothing is watched." in (await command("watch", "list")).out
        assert (await command("watch", "add", WALLET, "maker", "--of", "creator")).code == 0
        loaded = await command("watch", "add", "--csv", str(file))
        assert loaded.code == 0, loaded
        entries = (await stored(bus, "watchlists"))["entries"]
        assert [(one["of"], one["label"]) for one in entries] == [
            ("creator", "maker"),
            ("wallet", "a friend"),
        ]
        again = await command("watch", "add", "--csv", str(file))
        assert again.code == 2
        assert (await command("watch", "add", "--csv", str(file), "--replace")).code == 0
        for width in WIDTHS:
            fits(await command("watch", "list", COLUMNS=width), width)
        assert (await command("watch", "rm", WALLET)).code == 0
        assert len((await stored(bus, "watchlists"))["entries"]) == 1
        assert (await command("watch", "rm", WALLET)).code == 1


async def test_a_channel_is_added_tested_and_taken_away_and_its_secrets_stay_hidden(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s" * 24 + "\n")
    with receiving() as receiver:
        async with system(tmp_path) as (bus, command, broker):
            address = tmp_path / "url"
            address.write_text(f"{receiver.url}/in/t0ken")
            assert "No channels" in (await command("channels", "list")).out
            without = await command("channels", "add", "hook", "webhook")
            assert without.code == 1
            assert "url: allowed: http:// or https:// with a host" in without.err
            away = await command("channels", "test", "hook")
            assert away.code == 1
            assert "notifier" in away.err
            added = await command(
                "channels", "add", "hook", "webhook", "--url-file", str(address),
                "--secret-file", str(secret), "--severity-min", "warning",
                "--rule", "extreme_ratio",
            )  # fmt: skip
            assert added.code == 0, added
            assert "no longer go to the notifier's own output" in added.out
            # A misspelt rule would be a channel that never gets an alert.
            misspelt = await command(
                "channels", "add", "other", "console", "--rule", "extrem_ratio"
            )
            assert (misspelt.code, misspelt.out) == (1, "")
            assert "no rule extrem_ratio; there are: " in misspelt.err
            (entry,) = (await stored(bus, "channels"))["entries"]
            assert (entry["secret"], entry["triggers"]) == ("s" * 24, ["extreme_ratio"])
            shown = [await command("channels", "list", COLUMNS=width) for width in WIDTHS]
            for one, width in zip(shown, WIDTHS, strict=True):
                fits(one, width)
            for result in (added, *shown, await command("channels", "list", "--json")):
                assert "t0ken" not in result.out + result.err
                assert "ssss" not in result.out + result.err
            async with running_service("pw_notifier", broker):

                async def tested() -> bool:
                    return (await command("channels", "test", "hook")).code == 0

                await poll_until(tested, "the test message", timeout_s=40)
                receiver.always = (503, {}, b"")
                refused = await command("channels", "test", "hook")
                assert refused.code == 1
                assert "503" in refused.err
            assert receiver.taken[0].path == "/in/t0ken"
            assert (await command("channels", "off", "hook")).code == 0
            (entry,) = (await stored(bus, "channels"))["entries"]
            assert (entry["enabled"], entry["secret"]) == (False, "s" * 24)
            assert (await command("channels", "rm", "hook")).code == 0
            assert (await stored(bus, "channels"))["entries"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("rules", "list"),
        ("mutes", "rm", WALLET),
        ("watch", "add", WALLET),
        ("channels", "test", "hook"),
    ],
)
async def test_without_an_api_each_is_one_line_and_69(words: tuple[str, ...]) -> None:
    result = await pw(*words, "--api", "http://127.0.0.1:9")
    assert (result.code, result.out) == (69, "")
    assert len(result.err.splitlines()) == 1
    assert "see --api" in result.err


async def test_a_command_that_says_too_little_is_told_what_to_say() -> None:
    for words in (("rules", "add"), ("watch", "add"), ("rules", "test", "x", "--file", "y")):
        result = await pw(*words)
        assert (result.code, result.out) == (2, "")
        assert "give" in result.err
