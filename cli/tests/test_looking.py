"""`pw tokens | token | wallet | search` on any terminal: whole, within it, and plain text."""

from __future__ import annotations

import io
import unicodedata
from typing import Any

import msgspec
import pytest
from rich.console import Console, Group, RenderableType

from pw_api.models.past import WalletAnswer
from pw_cli.commands.looking import search, token_view, tokens, wallet_view
from pw_cli.terminal.fitting import Fitting
from pw_common.wire.history import SOL_MINT
from support.looked_up import (
    ALERT,
    AT_MS,
    HEAD,
    HOLE,
    HOSTILE,
    MINT,
    RULE,
    SIGNATURE,
    WALLET,
    buyers,
    candle,
    candles,
    found,
    seen,
    swap,
    swaps,
    token,
    traded,
    wallet,
)

SHOWN_NEVER = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
WIDTHS = (40, 80, 200)
NO_HISTORY = "History does not answer: is it running?"


def drawn(view: RenderableType, columns: int, encoding: str = "utf-8") -> str:
    body = io.BytesIO()
    file = io.TextIOWrapper(body, encoding=encoding, errors="strict")
    Console(file=file, width=columns, color_system=None).print(view)
    file.flush()
    return body.getvalue().decode(encoding)


def checked(view: RenderableType, *expected: str) -> str:
    """What 200 columns show; at each width nothing runs over, and nothing drives a terminal."""
    for columns in WIDTHS:
        shown = drawn(view, columns)
        lines = shown.splitlines()
        assert max(map(len, lines)) <= columns, (columns, max(lines, key=len))
        assert not {unicodedata.category(one) for one in shown.replace("\n", "")} & SHOWN_NEVER
        whole = "".join(shown.split())
        for one in expected:
            # In columns its words may stand below each other, whole.
            words = columns == 80 and all(word in shown for word in one.split())
            assert words or "".join(one.split()) in whole, (columns, one, shown)
    return drawn(view, 200)


def test_a_token_of_the_list_is_shown_with_its_units_and_its_whole_mint() -> None:
    shown = checked(
        tokens.view([token()], AT_MS), "QOTTER Quiet Otter", "HOT", "0.0000000472 SOL", "47.2 SOL",
        "11.3 SOL", "no sells", "12 s ago", MINT,
    )  # fmt: skip
    assert MINT in shown
    assert "blocks missing" not in shown
    assert "cold" not in shown
    assert MINT in drawn(tokens.view([token()], AT_MS), 80)


def test_a_list_says_what_is_not_known_and_that_there_is_more() -> None:
    bare = token(
        name=None, symbol=None, last_trade_ms=None, metrics={"unique_buyers_5m": 3.0},
        unknown={"price_sol": "no_price", "unique_buyers_5m": "cold"}, gapped=["5m", "1h"],
    )  # fmt: skip
    shown = checked(
        tokens.view([bare], AT_MS, has_more=True), "9BB6NFEc...", "no price", "3+", "unknown",
        "blocks missing in 5m, 1h", "was not watched from its beginning", "There are more",
    )  # fmt: skip
    assert "3+" in shown
    checked(tokens.view([], AT_MS))


def test_a_token_is_shown_with_what_is_behind_its_numbers() -> None:
    shown = checked(
        token_view.view(seen(), AT_MS), "QOTTER Quiet Otter", MINT, f"{WALLET} (whale)", "pump",
        "1B tokens", "bought 11.3 SOL in 12 trades", "price +12 %", "no trades",
        "buy_count_5m >= 20: is 12, fell short by 8", "a_5m < 3: is 2", "b_5m < 3: no buys",
        "muted: noisy", "stealth accumulation (grows)", "25 %", "354K", "0.01 SOL", "1,200",
        SIGNATURE, "2026-09-21", "1 SOL in 2 trades", f"pw prove {ALERT.id}", f"pw why {MINT}",
        f"pw wallet {WALLET}",
    )  # fmt: skip
    for whole in (MINT, WALLET, SIGNATURE, ALERT.id):
        assert whole in shown


def test_a_token_is_shown_without_its_past_where_history_is_away() -> None:
    away = dict.fromkeys(("swaps", "buyers", "candles"), NO_HISTORY)
    none: dict[str, Any] = {"swaps": None, "buyers": None, "candles": None}
    shown = checked(
        token_view.view(seen(**none, missing=away), AT_MS), "QOTTER", "fell short by 8",
        f"Not shown: {NO_HISTORY}", f"pw why {MINT}",
    )  # fmt: skip
    assert shown.count(NO_HISTORY) == 1
    assert "Last swaps" not in shown


def test_a_token_is_shown_by_its_past_where_no_detector_answers() -> None:
    unknown: dict[str, Any] = {"token": None, "rules": None, "alerts": [], "names": (None, None)}
    one = seen(**unknown, missing={"token": "No detector answers."})
    shown = checked(token_view.view(one, AT_MS), "9BB6NFEc...", SIGNATURE, "No detector answers.")
    assert "pw prove" not in shown
    assert one.is_known
    metrics = {"buy_count_5m": 1.0, "unique_buyers_5m": 2.0, "buy_volume_sol_5m": 2.5}
    few = token(metrics=metrics, unknown={"buy_volume_sol_5m": "cold"})
    checked(
        token_view.view(seen(token=few), AT_MS),
        "bought 2.5+ SOL in 1 trade by 2 wallets",
        "supply unknown",
    )
    cold = token(last_trade_ms=None, name=None, symbol=None, creator=None)
    nothing: dict[str, Any] = {
        "alerts": [], "swaps": swaps(), "buyers": buyers(), "names": (None, None),
    }  # fmt: skip
    assert not seen(token=cold, **nothing).is_known
    checked(token_view.view(seen(token=cold, rules=[], **nothing), AT_MS), "did not trade")


def test_what_history_has_not_is_said() -> None:
    lacking = {"holes": [HOLE] * 5, "behind_s": 12.4}
    one = seen(
        swaps=swaps(swap(confidence=0.4, price=None, quote_mint=None), **lacking),
        candles=candles(holes=[HOLE]), buyers=buyers(traded(all_spent_raw=0)),
    )  # fmt: skip
    shown = checked(
        token_view.view(one, AT_MS), "12.4 s behind", "a time that is not known yet",
        "2 more times are missing", "Blocks are missing within it.", "no trade for SOL", "buy ?",
        "is not certain",
    )  # fmt: skip
    assert "unknown" in shown
    young = swaps(swaps_since_ms=None)
    checked(token_view.view(seen(swaps=young), AT_MS), "History keeps no swap yet.")


def test_the_chart_has_the_hour_in_as_many_signs_as_there_is_room() -> None:
    rising = [candle(59 - minute, 1e-8 * (minute + 1)) for minute in range(60) if minute != 30]
    view = token_view.view(seen(candles=candles(*rising)), AT_MS)
    bars = {
        columns: next(one for one in drawn(view, columns).splitlines() if "█" in one)
        for columns in WIDTHS
    }
    assert len(bars[200]) == len("volume  ") + 60
    assert bars[200][len("volume  ") + 30] == " "
    assert len(bars[40]) == len("volume  ") + 30
    assert "2 minutes a sign" in " ".join(drawn(view, 40).split())
    assert "1 minute a sign" in drawn(view, 80)
    # Nothing but ASCII goes to a terminal that has no more.
    assert "#" in drawn(view, 80, "ascii")


def test_a_wallet_is_shown_with_its_net_position_and_what_is_no_profit() -> None:
    shown = checked(
        wallet_view.view(wallet(), AT_MS), WALLET, "on the watch list: whale", "SOL", "QOTTER",
        "-5", "net below 0", "is no profit", SIGNATURE, MINT, f"pw token {MINT}",
        f"pw wallet {WALLET} --mint {MINT}",
    )  # fmt: skip
    assert "Profit for" not in shown
    assert "pw watch add" not in shown
    checked(wallet_view.view(wallet(labels={}), AT_MS), f"pw watch add {WALLET} LABEL")


@pytest.mark.parametrize("columns", range(40, 200, 4))
def test_no_width_of_a_terminal_cuts_a_number_or_its_unit(columns: int) -> None:
    view = Group(*wallet_view._totals(wallet()), tokens.view([token()], AT_MS))
    shown = " ".join(drawn(view, columns).split())
    times = ("2026-09-21 14:13:20", 2), ("12 s ago", 1)
    for one, often in (*times, ("0.01 SOL", 1), ("1,200", 1), ("0.0000000472 SOL", 1)):
        assert shown.count(one) == often, (one, shown)


def test_the_profit_of_one_token_says_what_is_not_known_of_it() -> None:
    row = {
        "mint": MINT, "quote_mint": SOL_MINT, "net_raw": 1, **traded(),
        "realized_raw": -1_500_000_000, "unknown_sold_raw": 7_000_000, "held_raw": 2_000_000,
        "held_cost_raw": None, "base_decimals": 6,
    }  # fmt: skip
    answer = {"wallet": WALLET, "tokens": [row], "next_before": "x", "history": HEAD}
    one = wallet(tokens=msgspec.convert(answer, WalletAnswer), mint=MINT)
    shown = checked(
        wallet_view.view(one, AT_MS), "-1.5 SOL", "it holds 2, for unknown", "it sold 7 of which",
        "There are more tokens",
    )  # fmt: skip
    assert "--mint" not in shown


def test_a_wallet_has_raw_units_where_decimals_are_not_known() -> None:
    shown = checked(
        wallet_view.view(wallet(None, swaps=swaps()), AT_MS), "none is kept any more", "raw units",
        "decimals are not known",
    )  # fmt: skip
    assert "-5M raw units" in shown
    assert not wallet(swaps=swaps(), tokens=None).is_known


def test_a_search_shows_what_it_found_and_what_to_type_next() -> None:
    rows = (
        {"kind": "token", "address": MINT, "name": "Quiet Otter", "symbol": "QOTTER"},
        {"kind": "wallet", "address": WALLET},
        {"kind": "signature", "address": SIGNATURE},
    )
    shown = checked(
        search.view(found(*rows, next_skip=3)), "QOTTER", "Quiet Otter", f"pw token {MINT}",
        f"pw wallet {WALLET}", SIGNATURE, "There are more",
    )  # fmt: skip
    assert f"signature = '{SIGNATURE}'" in shown


def test_text_of_others_is_text_and_no_command_is_made_of_it() -> None:
    """Names, venues, reasons, labels, and addresses of an API that is not ours."""
    labels = {WALLET: HOSTILE, MINT: HOSTILE, HOSTILE: HOSTILE}
    bad = swap(venues=[HOSTILE], trader=HOSTILE, signature=HOSTILE, mint=HOSTILE)
    strange = token(
        name=HOSTILE, symbol=HOSTILE, mint=HOSTILE, venues=[HOSTILE], creator=HOSTILE,
        state=HOSTILE, gapped=[HOSTILE],
    )  # fmt: skip
    rule = msgspec.structs.replace(RULE, trigger=HOSTILE, blocked=[HOSTILE], near=[HOSTILE])
    alert = msgspec.structs.replace(ALERT, id=HOSTILE, trigger=HOSTILE)
    views: list[RenderableType] = [
        tokens.view([strange], AT_MS),
        token_view.view(
            seen(
                token=strange, names=(HOSTILE, HOSTILE), rules=[rule], alerts=[alert],
                swaps=swaps(bad, holes=[HOLE]), buyers=buyers(traded(trader=HOSTILE)),
                labels=labels, missing={"a": HOSTILE},
            ),
            AT_MS,
        ),
        wallet_view.view(
            wallet(swaps=swaps(bad), labels=labels, names={MINT: (HOSTILE, HOSTILE)}), AT_MS
        ),
        search.view(found({"kind": "token", "address": HOSTILE, "name": HOSTILE, "symbol": ""})),
    ]  # fmt: skip
    for view in views:
        shown = checked(view, "[/][red]x")
        typed = [line for line in shown.splitlines() if line.startswith("  pw ")]
        assert not any("$" in line for line in typed)


@pytest.mark.parametrize("columns", [5, 80])
def test_what_heads_a_column_is_text_too(columns: int) -> None:
    """As an answer of `pw history query` names it."""
    one = Fitting("[/]", "b [red]", numbers=("b [red]",))
    one.add_row("x", "1")
    assert "[/]" in drawn(one, columns)


@pytest.mark.parametrize("raw", [10**400, -(10**400)])
def test_amounts_beyond_everything_are_shown(raw: int) -> None:
    big = swap(base_amount_raw=raw, quote_amount_raw=raw, price="1e999")
    one = seen(
        swaps=swaps(big), buyers=buyers(traded(spent_raw=raw, bought_raw=raw, all_spent_raw=raw)),
        candles=candles(candle(1, 1e308, raw), candle(0, -1e308, raw)),
    )  # fmt: skip
    drawn(token_view.view(one, AT_MS), 80)
    drawn(wallet_view.view(wallet(swaps=swaps(swap(price="nan"), big)), AT_MS), 80)
