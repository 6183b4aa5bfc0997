"""`pw alerts`: what fired, newest first; `--follow` goes on with what fires from now on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.text import Text

from pw_cli.connect.broker import add_broker_argument, with_broker
from pw_cli.terminal.fitting import SEPARATOR, Fitting
from pw_cli.terminal.terminal import write_json
from pw_cli.terminal.trader_numbers import UNKNOWN, age, digits
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.log_reader import LogReader, StoredMessage
from pw_common.jetstream.consuming.pages import newest_first
from pw_common.process.clock import now_ms
from pw_common.topology.subjects import STREAM_ALERT
from pw_common.wire.alerts import Alert, Condition, decode_alert, plain_alert

LIMIT_DEFAULT: Final = 20
LIMIT_MAX: Final = 1_000
FETCH: Final = 64
WAIT_S: Final = 1.0
SHORT: Final = 10
COLOURS: Final = {"critical": "red", "warning": "yellow", "info": ""}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw alerts`."""
    parser.add_argument(
        "--follow", action="store_true", help="go on with what fires from now on, until Ctrl-C"
    )
    parser.add_argument(
        "--limit",
        type=_limit,
        default=LIMIT_DEFAULT,
        metavar="N",
        help=f"how many, newest first: 0 to {LIMIT_MAX} (default {LIMIT_DEFAULT})",
    )
    parser.add_argument("--json", action="store_true", help="print each alert as a line of JSON")
    add_broker_argument(parser)


def run(args: argparse.Namespace) -> int:
    """0 shown, also where nothing fired; 69 when the broker is away."""
    return with_broker(args, lambda bus: _alerts(bus, args))


async def _alerts(bus: Bus, args: argparse.Namespace) -> int:
    console = Console()
    # The end is read first: what comes while the table is made is followed, not left out.
    last_seq = int((await bus.api(f"STREAM.INFO.{STREAM_ALERT}"))["state"]["last_seq"])
    page = await newest_first(bus, STREAM_ALERT, limit=args.limit, before_seq=last_seq + 1)
    # Followed alerts come below, so the newest is printed last.
    messages = page.messages[::-1] if args.follow else page.messages
    _show(list(_decoded(messages)), console, as_json=args.json, is_asked=args.limit > 0)
    if args.follow:
        await _follow(bus, console, last_seq + 1, as_json=args.json)
    return 0


async def _follow(bus: Bus, console: Console, start_seq: int, *, as_json: bool) -> None:
    reader = LogReader(bus, STREAM_ALERT, start_seq=start_seq)
    try:
        while True:
            for message, alert in _decoded(await reader.fetch(FETCH, timeout_s=WAIT_S)):
                if as_json:
                    write_json(_fields(message, alert))
                else:
                    console.print(line(alert))
    finally:
        await reader.close()


def _show(
    decoded: list[tuple[StoredMessage, Alert]], console: Console, *, as_json: bool, is_asked: bool
) -> None:
    if as_json:
        for one in decoded:
            write_json(_fields(*one))
    elif decoded:
        console.print(table(decoded, now_ms()))
    elif is_asked:
        sys.stderr.write("pw alerts: none is stored\n")


def _decoded(messages: list[StoredMessage]) -> Iterator[tuple[StoredMessage, Alert]]:
    """The alerts that can be read; another version's are reported and left out."""
    for message in messages:
        try:
            yield message, decode_alert(message.body)
        except msgspec.MsgspecError as error:
            sys.stderr.write(f"pw alerts: sequence {message.seq} cannot be read: {error}\n")


def _fields(message: StoredMessage, alert: Alert) -> dict[str, Any]:
    """As the API gives it."""
    return {"seq": message.seq, "stored_ms": message.time_ms, **msgspec.to_builtins(alert)}


def table(decoded: list[tuple[StoredMessage, Alert]], at_ms: int) -> Fitting:
    """A row for each alert; blocks where the terminal is narrow."""
    fitting = Fitting(
        "token", "rule", "severity", "age", "price", "cap", "what fired", "mint", "alert",
        numbers=("age", "price", "cap"),
    )  # fmt: skip
    for message, stored in decoded:
        alert = plain_alert(stored)
        fitting.add_row(
            token_of(alert),
            rule_of(alert),
            Text(alert.severity, style=COLOURS.get(alert.severity, "")),
            age(at_ms - message.time_ms),
            sol(alert.price_sol) if alert.mint else "",
            sol(alert.market_cap_sol) if alert.mint else "",
            fired(alert),
            alert.mint,
            alert.id[:SHORT],
        )
    return fitting


def line(stored: Alert) -> Text:
    """An alert that has just come: who and which rule, then what fired; wrapped where it must."""
    alert = plain_alert(stored)
    head = Text.assemble(
        (alert.severity, COLOURS.get(alert.severity, "")), " ", (token_of(alert), "bold"),
        f"{SEPARATOR}{rule_of(alert)}",
    )  # fmt: skip
    facts = [fired(alert)]
    if alert.mint:
        facts += [
            f"price {sol(alert.price_sol)}", f"cap {sol(alert.market_cap_sol)}", alert.mint,
        ]  # fmt: skip
    facts.append(alert.id[:SHORT])
    head.append("\n  ")
    head.append(SEPARATOR.join(one for one in facts if one), style="dim")
    return head


def token_of(alert: Alert) -> str:
    """A token's name as far as it is known; the title of the system's own alerts."""
    if not alert.mint:
        return alert.title or "system"
    names = " ".join(one for one in (alert.symbol, alert.name) if one)
    return names or "name unknown"


def rule_of(alert: Alert) -> str:
    """The rule's name in words, and what became of its episode."""
    what = {"opened": "", "escalated": " (grows)", "closed": " (ended)"}.get(alert.kind, "")
    return f"{alert.trigger.replace('_', ' ')}{what}"


def fired(alert: Alert) -> str:
    """Each condition with the value that met it, and whether blocks are missing below it."""
    if not alert.conditions:
        return alert.detail
    if alert.kind == "closed":
        # Conditions that still hold are not the reason for its end.
        failing = [one for one in alert.conditions if one.verdict != "holds"]
        return f"no longer: {', '.join(map(_condition, failing))}" if failing else alert.detail
    found = ", ".join(map(_condition, alert.conditions))
    return (
        f"{found}{SEPARATOR}blocks missing in {', '.join(alert.gapped)}" if alert.gapped else found
    )


def _condition(one: Condition) -> str:
    value = (one.unknown or UNKNOWN).replace("_", " ") if one.value is None else f"{one.value:.4g}"
    return f"{one.text} ({value})"


def sol(value: float | None) -> str:
    """SOL with three digits that count, and without an exponent."""
    return UNKNOWN if value is None else f"{digits(value)} SOL"


def _limit(text: str) -> int:
    value = int(text)
    if not 0 <= value <= LIMIT_MAX:
        raise argparse.ArgumentTypeError(f"allowed: 0 to {LIMIT_MAX}")
    return value
