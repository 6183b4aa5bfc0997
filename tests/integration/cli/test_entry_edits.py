"""`--replace`, `on` and `off` change what is given, in the entry as it is at that moment."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from pw_cli.commands.configuring import channels, rules
from pw_cli.connect.api_client import ApiClient
from pw_cli.connect.runs import Run
from pw_cli.entries.entries import Asking
from pw_common.jetstream.bus import Bus
from pw_detection.rules.lists import shipped_mutes
from support.api_run import Command, stored, system
from support.records import MINT
from support.tokens import bearer, token_file

WALLET = MINT
SHIPPED: Final = shipped_mutes().entries[0]
HOOK = ("channels", "add", "hook", "webhook")
TELEGRAM = ("channels", "add", "tg", "telegram")


async def one_of(bus: Bus, key: str, name: str) -> dict[str, Any]:
    field = "rules" if key == "triggers" else "entries"
    (found,) = (one for one in (await stored(bus, key))[field] if one["name"] == name)
    return dict(found)


async def done(command: Command, *words: str) -> str:
    result = await command(*words)
    assert (result.code, result.err) == (0, ""), result
    return result.out


async def test_replacing_a_channel_keeps_its_secrets_and_what_is_not_given(
    tmp_path: Path,
) -> None:
    secret, token = tmp_path / "secret", tmp_path / "token"
    secret.write_text("s" * 24)
    token.write_text("123456:" + "A" * 35)
    async with system(tmp_path) as (bus, command, _):
        url = "https://example.com/in"
        await done(
            command, *HOOK, "--url", url, "--secret-file", str(secret),
            "--severity-min", "critical", "--rule", "extreme_ratio", "--alert", "opened",
        )  # fmt: skip
        await done(command, "channels", "off", "hook")
        before = await one_of(bus, "channels", "hook")
        await done(command, *HOOK, "--url", url, "--late-after", "60", "--replace")
        assert await one_of(bus, "channels", "hook") == before | {"late_after_s": 60}
        await done(command, *HOOK, "--rule", "", "--alert", "", "--replace")
        after = await one_of(bus, "channels", "hook")
        assert after == before | {"late_after_s": 60, "triggers": [], "kinds": []}
        moved = await command(*HOOK, "--url", "https://example.com/new", "--replace")
        assert moved.code == 1
        assert "none is kept where the URL is new" in moved.err
        assert await one_of(bus, "channels", "hook") == after
        await done(command, *TELEGRAM, "--bot-token-file", str(token), "--chat-id=-42")
        await done(command, *TELEGRAM, "--chat-id=-1001", "--replace")
        telegram = await one_of(bus, "channels", "tg")
        assert (telegram["chat_id"], telegram["bot_token"]) == ("-1001", token.read_text())
        again = await command(*TELEGRAM, "--chat-id=-1001")
        assert again.code == 1
        assert "--replace" in again.err
        assert "replace: true" not in again.err


async def test_replacing_a_rule_keeps_what_is_not_given(tmp_path: Path) -> None:
    add = ("rules", "add", "mine")
    async with system(tmp_path) as (bus, command, _):
        await done(
            command, *add, "buy_count_5m >= 3", "--gate", "price_sol > 0", "--severity",
            "critical", "--cooldown", "60", "--description", "to try",
        )  # fmt: skip
        await done(command, "rules", "off", "mine")
        before = await one_of(bus, "triggers", "mine")
        await done(command, *add, "buy_count_5m >= 4", "--replace")
        changed = before | {"conditions": ["buy_count_5m >= 4"]}
        assert await one_of(bus, "triggers", "mine") == changed
        await done(command, *add, "--gate", "", "--severity", "info", "--replace")
        changed |= {"gates": [], "severity": "info"}
        assert await one_of(bus, "triggers", "mine") == changed
        empty = await command("rules", "add", "other")
        assert empty.code == 2


class Late(Asking):
    """Asks, and after its second answer somebody else changes the document."""

    def __init__(self, api: ApiClient, other: Callable[[Asking], None]) -> None:
        super().__init__(api, "")
        self._other: Callable[[], None] | None = lambda: other(Asking(api, ""))
        self._answers = 0

    def get(self, path: str) -> dict[str, Any]:
        answer = super().get(path)
        self._answers += 1
        if self._answers == 2 and self._other is not None:
            self._other()
            self._other = None
        return answer


async def test_turning_an_entry_off_undoes_nobody_elses_change_of_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s" * 24)
    async with system(tmp_path) as (bus, command, _):
        await done(command, "rules", "add", "mine", "buy_count_5m >= 3")
        await done(command, *HOOK, "--url", "https://example.com", "--secret-file", str(secret))
        (path,) = (tmp_path / "state" / "pocketwatcher").glob("*.json")
        run = msgspec.json.decode(path.read_bytes(), type=Run)
        args = argparse.Namespace(verb="off", names=["mine"], note="")

        def edited(asking: Asking) -> None:
            asking.edit(rules.RULES, lambda now: now["rules"][-1] | {"cooldown_s": 60})

        def late(asking: Asking) -> None:
            asking.edit(channels.CHANNELS, lambda now: now["entries"][-1] | {"late_after_s": 60})

        def turn() -> None:
            with ApiClient(run.api, bearer(token_file(tmp_path))) as api:
                rules._turn(Late(api, edited), args)
                args.names = ["hook"]
                channels._turn(Late(api, late), args)

        await asyncio.to_thread(turn)
        rule = await one_of(bus, "triggers", "mine")
        assert (rule["enabled"], rule["cooldown_s"]) == (False, 60)
        channel = await one_of(bus, "channels", "hook")
        assert (channel["enabled"], channel["late_after_s"]) == (False, 60)


async def test_rules_of_a_file_are_replaced_also_where_somebody_was_faster(
    tmp_path: Path,
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("- {name: mine, conditions: ['buy_count_5m >= 9']}\n")
    async with system(tmp_path) as (bus, command, _):
        await done(command, "rules", "add", "mine", "buy_count_5m >= 3")
        (path,) = (tmp_path / "state" / "pocketwatcher").glob("*.json")
        run = msgspec.json.decode(path.read_bytes(), type=Run)
        args = argparse.Namespace(verb="add", name=None, file=file, replace=True, note="")

        def other(asking: Asking) -> None:
            asking.edit(rules.RULES, lambda now: now["rules"][0] | {"cooldown_s": 61})

        def load() -> None:
            with ApiClient(run.api, bearer(token_file(tmp_path))) as api:
                asking = Late(api, other)
                asking.get(rules.RULES)
                rules._load(asking, args)

        await asyncio.to_thread(load)
        assert (await one_of(bus, "triggers", "mine"))["conditions"] == ["buy_count_5m >= 9"]
        assert (await stored(bus, "triggers"))["rules"][0]["cooldown_s"] == 61


async def test_what_is_not_there_is_answered_with_what_is(tmp_path: Path) -> None:
    async with system(tmp_path) as (_, command, _):
        await done(command, "watch", "add", WALLET, "--of", "token")
        watched = await command("watch", "rm", WALLET, "--of", "wallet")
        assert watched.code == 1
        assert f"there are: {WALLET} of token." in watched.err
        muted = await command("mutes", "rm", WALLET)
        assert muted.code == 1
        assert f"{SHIPPED.address} of {SHIPPED.of}" in muted.err
        await done(command, "mutes", "rm", SHIPPED.address)
        again = await command("mutes", "rm", SHIPPED.address)
        assert again.code == 1
        assert SHIPPED.address not in again.err.partition("there are:")[2]


async def test_a_wallet_is_not_muted_for_a_time(tmp_path: Path) -> None:
    async with system(tmp_path) as (bus, command, _):
        refused = await command("mutes", "add", WALLET, "--of", "wallet", "--hours", "1")
        assert (refused.code, refused.out) == (2, "")
        assert "for good" in refused.err
        assert await bus.kv_get("pw_config", "mutes") is None
        await done(command, "mutes", "add", WALLET, "--of", "wallet")
