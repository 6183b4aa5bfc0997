"""What `pw` prints of a token's name, a reason or an answer is text: no markup and no escape."""

from __future__ import annotations

import io
import unicodedata
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pw_cli.commands.captures import backtest
from pw_cli.commands.watching import why
from pw_cli.dead_letters.render import json_line
from pw_cli.terminal.status_tables import tables
from pw_cli.terminal.terminal import complain, plain_tree
from pw_cli.up.screen.figures import line
from pw_common.jetstream.consuming.log_reader import StoredMessage
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import encode

HOSTILE = (
    "A\n[critical] [red]X[/red][/] [link=http://a.co]Y[/link] \x1b[2J\x1b]8;;http://a\x07\x9b\u202e"
)
SHOWN_NEVER = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def drawn() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=400, force_terminal=False, no_color=True), out


def assert_text(shown: str) -> None:
    assert not {unicodedata.category(char) for char in shown.replace("\n", "")} & SHOWN_NEVER
    # Markup that was understood would be gone.
    assert "[red]X[/red]" in shown


def alert(symbol: str) -> Alert:
    return Alert(
        id="a" * 32, episode="e", n=0, kind="opened", trigger="t", severity="info", slot=1,
        opened_slot=1, event_time_ms=0, mint="M" * 43, symbol=symbol, title=f"{symbol}: t",
    )  # fmt: skip


def test_a_symbol_in_the_table_of_a_backtest_is_text() -> None:
    console, out = drawn()
    backtest._show([alert("[red]X[/red]\n\x1b[2J[/]")], console)
    assert_text(out.getvalue())


def test_a_reason_in_the_table_of_why_is_text() -> None:
    console, out = drawn()
    condition = {"text": HOSTILE, "value": 1.0, "unknown": None}
    row = {"trigger": "t", "verdict": "fails", "conditions": [condition], "blocked": [HOSTILE]}
    why.show([row], console)
    assert_text(out.getvalue())
    assert len(out.getvalue().splitlines()) == 2


def test_a_status_of_somebody_else_is_text() -> None:
    source: dict[str, Any] = {
        "source": HOSTILE, "endpoint": HOSTILE, "connected": False, "waiting_for_broker": False,
        "lag_ms": None, "slot": None, "checkpoint_slot": None, "frontier_slot": None, "gaps": 0,
        "detail": HOSTILE, "endpoints": [],
    }  # fmt: skip
    status = {
        "mode": HOSTILE, "why": [HOSTILE], "totals": {HOSTILE: 1}, "services": [],
        "sources": [source], "streams": [], "consumers": [],
    }  # fmt: skip
    console, out = drawn()
    console.print(tables(plain_tree(status)))
    assert_text(out.getvalue())
    assert len(line(status).splitlines()) == 1


@given(st.text())
def test_a_stored_message_is_one_line_of_json_with_the_same_value(symbol: str) -> None:
    stored = alert(symbol)
    body = json_line("PW_ALERT", StoredMessage(1, "pw.alert.x", {}, encode(stored), 0))
    assert body.count(b"\n") == 1
    shown = body.decode().removesuffix("\n")
    assert not {unicodedata.category(char) for char in shown} & SHOWN_NEVER
    assert msgspec.convert(msgspec.json.decode(body)["body"], Alert) == stored


def test_an_error_is_one_line_without_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    complain("up", f"{HOSTILE} at https://h/hunter2-hunter2")
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "hunter2" not in err
    assert "\x1b" not in err
