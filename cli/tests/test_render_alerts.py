"""`pw alerts` on any terminal: everything is there, nothing runs over, hostile text is plain."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pw_cli.commands.watching.alerts import line, sol, table
from pw_common.jetstream.consuming.log_reader import StoredMessage
from pw_common.wire.alerts import Alert, Condition

MINT = "9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump"
HELD = Condition(
    text="buy_volume_sol_5m >= 10", metric="buy_volume_sol_5m", value=11.25, verdict="holds"
)
COLD = Condition(
    text="buy_sell_ratio_5m > 10", metric="buy_sell_ratio_5m", value=None, unknown="no_sells",
    verdict="holds",
)  # fmt: skip


def alert(**changes: object) -> Alert:
    fields: dict[str, object] = {
        "id": "f50817160f" + "0" * 22,
        "episode": "e",
        "n": 0,
        "kind": "opened",
        "trigger": "stealth_accumulation",
        "severity": "warning",
        "slot": 1,
        "opened_slot": 1,
        "event_time_ms": 1,
        "mint": MINT,
        "conditions": (HELD, COLD),
    }
    return Alert(**(fields | changes))  # type: ignore[arg-type]


NAMED = alert(name="Quiet Otter", symbol="QOTTER", price_sol=4.72e-8, market_cap_sol=47.2)
HOSTILE = alert(name="\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}[red]x", symbol="a\nb")
SYSTEM = alert(mint="", kind="blind", title="You are blind", detail="No source.", conditions=())


def decoded(*alerts: Alert) -> list[tuple[StoredMessage, Alert]]:
    return [(StoredMessage(n, "", {}, b"", 1_000), one) for n, one in enumerate(alerts, 1)]


def printed(columns: int, *alerts: Alert) -> str:
    out = io.StringIO()
    console = Console(file=out, width=columns, color_system=None)
    console.print(table(decoded(*alerts), 43_000))
    for one in alerts:
        console.print(line(one))
    return out.getvalue()


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
def test_every_width_shows_all_of_an_alert_and_runs_over_in_no_line(columns: int) -> None:
    shown = printed(columns, NAMED, HOSTILE, SYSTEM)
    assert max(map(len, shown.splitlines())) <= columns
    whole = "".join(shown.split())
    for one in ("QOTTER", "QuietOtter", "stealthaccumulation", "42s", "0.0000000472SOL", "47.2SOL"):
        assert one in whole
    assert "Youareblind" in whole
    if columns in {40, 200}:
        # In blocks and on one line a mint is whole; in between it may wrap beside other cells.
        assert MINT in whole


def test_what_is_unknown_is_said() -> None:
    shown = " ".join(printed(80, alert()).split())
    assert "name unknown" in shown
    assert "price unknown" in shown
    assert "cap unknown" in shown
    assert "(no sells)" in shown


def test_text_from_the_chain_drives_no_terminal() -> None:
    shown = printed(120, HOSTILE)
    assert "\x1b" not in shown
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in shown
    assert "[red]" in shown
    assert "a\nb" not in shown


@pytest.mark.parametrize("columns", [40, 200])
@pytest.mark.parametrize("name", ["[/]", "[/red]", "[red]x[/red]", "[link=http://a.co]y"])
def test_a_name_that_looks_like_markup_is_shown_as_it_is(name: str, columns: int) -> None:
    out = io.StringIO()
    console = Console(file=out, width=columns, color_system=None)
    console.print(table(decoded(alert(name=name, symbol="S")), 43_000))
    assert name in out.getvalue()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "unknown"),
        (0.0, "0 SOL"),
        (4.72e-8, "0.0000000472 SOL"),
        (12.345, "12.3 SOL"),
        (1.6e-18, "0.0000000000000000016 SOL"),
        (5e20, "500,000,000,000,000,000,000 SOL"),
        (1_234_567.0, "1,230,000 SOL"),
    ],
)
def test_sol_has_three_digits_and_no_exponent(value: float | None, shown: str) -> None:
    assert sol(value) == shown


def test_missing_blocks_are_said_beside_what_fired() -> None:
    shown = printed(200, alert(gapped=("5m", "1h")))
    assert shown.count("blocks missing in 5m, 1h") == 2
    assert "blocks missing" not in printed(200, NAMED)


def test_an_end_says_what_no_longer_holds() -> None:
    fails = Condition(
        text="buy_volume_sol_5m >= 10", metric="buy_volume_sol_5m", value=6.968, verdict="fails"
    )  # fmt: skip
    shown = printed(200, alert(kind="closed", conditions=(fails, COLD)))
    assert "no longer: buy_volume_sol_5m >= 10 (6.968)" in shown
    assert "buy_sell_ratio_5m" not in shown
