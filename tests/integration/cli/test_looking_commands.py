"""`pw tokens | token | wallet | search` as a person runs them, against real services."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pw_common.wire.history import SOL_MINT
from support.api_run import Command, system
from support.command import pw, pw_here, pw_within
from support.keeping import Kept, kept_market
from support.poll import poll_until
from support.records import TRADER
from support.services import running_service
from support.shell import shell
from support.tokens import token_file

# A process of its own may wait for a busy machine.
COMMAND_S = 150.0
AWAY = "History does not answer: is it running?"
pytestmark = pytest.mark.timeout(480)


@asynccontextmanager
async def looked_at(folder: Path) -> AsyncIterator[tuple[Kept, Command, Command]]:
    """A market that history keeps and the detector has folded, and `pw` that asks about it.

    In a process of its own, and within this one.
    """
    async with (
        kept_market(folder) as kept,
        running_service("pw_detector", {"PW_NATS_URL": kept.broker.url}),
    ):

        async def listed() -> list[Any]:
            answer = await kept.client.get("/api/v1/tokens")
            return list(answer.json()["tokens"])

        await poll_until(listed, "tokens that the detector tells")
        environ = {
            "PW_API_URL": str(kept.client.base_url),
            "PW_API_TOKEN_FILE": str(token_file(folder)),
        }
        yield kept, partial(pw_within, COMMAND_S, **environ), partial(pw_here, **environ)


def rows(text: str) -> list[Any]:
    return [msgspec.json.decode(line) for line in text.splitlines()]


async def shown(command: Command, *words: str, width: int = 200) -> str:
    """What a terminal of this width shows, within it."""
    ended = await command(*words, COLUMNS=str(width))
    assert (ended.code, ended.err) == (0, ""), ended
    assert max(map(len, ended.out.splitlines())) <= width
    return ended.out


def most_bought(kept: Kept) -> tuple[str, str]:
    """The token with the most purchases for SOL, and who bought it last."""
    bought = [one for _, one in kept.swaps if one.side == "buy" and one.quote_mint == SOL_MINT]
    [(mint, _)] = Counter(one.mint for one in bought).most_common(1)
    return mint, next(one.trader for one in reversed(bought) if one.mint == mint)


async def test_each_number_leads_to_its_transactions_and_history_away_stops_nothing_else(
    tmp_path: Path,
) -> None:
    async with looked_at(tmp_path) as (kept, started, command):
        mint, trader = most_bought(kept)
        swaps = [one for _, one in kept.swaps if one.mint == mint]
        added = await command("watch", "add", trader, "whale")
        assert added.code == 0, added
        await the_list(command, mint)
        await shown(command, "token", mint, width=40)
        text = await shown(command, "token", mint)
        assert swaps[-1].signature in text
        assert f"pw why {mint}" in text
        assert "History keeps swaps since" in text
        assert "a sign" in text
        parts = msgspec.json.decode((await command("token", mint, "--json", "--limit", "100")).out)
        assert parts["missing"] == {}
        assert [one["signature"] for one in parts["swaps"]["swaps"]] == [
            one.signature for one in swaps[::-1][:100]
        ]
        assert {one["trigger"] for one in parts["why"]} >= {"stealth_accumulation"}
        # What shares are shares of.
        assert parts["buyers"]["next_before"] is None
        spent = [int(one["spent_raw"]) for one in parts["buyers"]["buyers"]]
        whole = {int(one["all_spent_raw"]) for one in parts["buyers"]["buyers"]}
        assert whole == {sum(spent)} != {0}
        await the_wallet(command, kept, trader, mint)
        await the_search(command, mint)
        kept.history.terminate()
        kept.history.wait(60)
        token = await started("token", mint)
        assert (token.code, token.err) == (0, ""), token
        assert token.out.count(AWAY) == 1
        assert "stealth_accumulation" in token.out
        assert swaps[-1].signature not in token.out
        for words in (("wallet", trader), ("search", "a")):
            ended = await command(*words)
            assert (ended.code, ended.out) == (69, ""), ended
            assert ended.err.startswith(f"pw {words[0]}: {AWAY}")


async def the_list(command: Command, mint: str) -> None:
    listed = rows((await command("tokens", "--json", "--limit", "1000")).out)
    assert mint in {one["mint"] for one in listed}
    assert {one["state"] for one in listed} <= {"HOT", "WARM"}
    text = await shown(command, "tokens", "--state", "warm", "--limit", "1")
    assert "WARM" in text
    assert "There are more: --limit N." in text


async def the_wallet(command: Command, kept: Kept, trader: str, mint: str) -> None:
    mine = [one for _, one in kept.swaps if one.trader == trader]
    text = await shown(command, "wallet", trader, "--mint", mint)
    assert "on the watch list: whale" in text
    assert "Profit for SOL, first in first out" in text
    assert next(one.signature for one in reversed(mine) if one.mint == mint) in text
    parts = msgspec.json.decode((await command("wallet", trader, "--json")).out)
    assert parts["missing"] == {}
    assert {one["mint"] for one in parts["tokens"]["tokens"]} == {one.mint for one in mine}
    assert all(one["realized_raw"] is None for one in parts["tokens"]["tokens"])


async def the_search(command: Command, mint: str) -> None:
    assert f"pw token {mint}" in await shown(command, "search", mint[:8])
    nothing = await command("search", "no", "such", "name", "at", "all")
    assert (nothing.code, nothing.out) == (1, "")
    assert "nothing is found by" in nothing.err


async def test_what_nobody_knows_and_what_cannot_be_asked_is_said(tmp_path: Path) -> None:
    async with system(tmp_path) as (_bus, command, _environ):
        none = await command("tokens")
        assert (none.code, none.out, none.err) == (0, "", "pw tokens: no token trades\n")
        # Neither the detector nor history runs: nothing can be said of any token.
        token = await command("token", TRADER)
        assert (token.code, token.out) == (69, "")
        assert "No detector answers" in token.err
        assert AWAY in token.err
        async with shell(tmp_path / "state") as terminal:
            terminal.type(f"{sys.executable} -m pw_cli.main tokens --follow")
            await terminal.until("no token trades")
            terminal.type("q")
            code, _ = await terminal.ended()
            assert code == 0
        other = tmp_path / "other"
        other.mkdir()
        wrong = await command("tokens", "--api-token-file", str(token_file(other)))
        assert wrong.code == 69
        assert "--api-token-file" in wrong.err


@pytest.mark.parametrize(
    "words",
    [
        ("token", "0" * 43), ("token", "x"), ("wallet", "$(rm)"), ("wallet", "z" * 44),
        ("wallet", TRADER, "--mint", "nothing"), ("search", ""), ("search", "x" * 101),
        ("search", "\udcff"), ("tokens", "--limit", "0"), ("tokens", "--follow"),
        ("token", TRADER, "--limit", "101"),
    ],
)  # fmt: skip
async def test_what_is_no_address_and_no_text_is_refused_before_anybody_is_asked(
    words: tuple[str, ...],
) -> None:
    ended = await pw(*words, PW_API_URL="http://127.0.0.1:1")
    assert (ended.code, ended.out) == (2, ""), ended
    assert "Traceback" not in ended.err


async def test_without_an_api_each_says_so() -> None:
    for words in (("tokens",), ("token", TRADER), ("wallet", TRADER), ("search", "a")):
        ended = await pw(*words, PW_API_URL="http://127.0.0.1:1")
        assert (ended.code, ended.out) == (69, ""), ended
        assert ended.err.startswith(f"pw {words[0]}: no API at http://127.0.0.1:1")
