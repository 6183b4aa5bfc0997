"""The tables of `pw status`. Pure: a status in, something that rich can print out."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from pw_cli.terminal.fitting import Fitting
from pw_health.limits import CLOCK_MAX_MS, FULL_SHARE

MODE_STYLE = {
    "running": "bold green",
    "catching_up": "bold yellow",
    "backpressure": "bold yellow",
    "blind": "bold red",
}
MAIN_COUNTER = {
    "ingest": "pw_ingest_transactions_total",
    "parser": "pw_parser_transactions_total",
    "detector": "pw_detector_swaps_total",
    "history": "pw_history_swaps_total",
    "notifier": "pw_notifier_sent_total",
    "replay": "pw_replay_transactions_total",
    "api": "pw_api_requests_total",
}
NO_RATE = {"total": 0, "per_s_1s": 0.0, "per_s_60s": 0.0}
SEVERITY_STYLE = {"critical": "bold red", "warning": "yellow", "info": "dim"}


def tables(status: dict[str, Any]) -> RenderableType:
    """Everything that `pw status` shows."""
    mode = str(status["mode"])
    head = Text.assemble(
        ("Pocketwatcher ", "bold"), (mode.replace("_", " "), MODE_STYLE.get(mode, ""))
    )
    totals = status["totals"]
    figures = "  ".join(f"{name.replace('_', ' ')} {count(n)}" for name, n in totals.items())
    return Group(
        head,
        *_conditions(status),
        _services(status["services"]),
        _sources(status["sources"]),
        *_endpoints(status["sources"]),
        _streams(status["streams"]),
        _consumers(status["consumers"]),
        Text(figures, style="dim"),
        *_unlisted(status.get("unlisted")),
    )


def _conditions(status: dict[str, Any]) -> list[Text]:
    """What is wrong, and what to do; an API of the version before says only why."""
    found = status.get("conditions")
    if found is None:
        return [Text(f"  {why}", style="yellow") for why in status["why"]]
    lines = []
    for one in found:
        since = f" ({_span(status['at_ms'] - one['since_ms'])})"
        lines.append(Text(f"  {one['why']}{since}", style=SEVERITY_STYLE.get(one["severity"], "")))
        lines.append(Text(f"    {one['what_to_do']}", style="dim"))
    return lines


def _span(ms: int) -> str:
    """How long something has lasted."""
    seconds = max(0, ms) // 1_000
    for unit, size_s in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size_s:
            return f"{seconds // size_s} {unit}"
    return f"{seconds} s"


def count(value: float | None) -> str:
    """A number for people; a dash where it is not known."""
    if value is None:
        return "-"
    return f"{value:,.1f}" if isinstance(value, float) and value < 100 else f"{value:,.0f}"


def slot(value: int | None) -> str:
    """A slot as explorers write it."""
    return "-" if value is None else str(value)


def size(value: float) -> str:
    """Bytes for people, in powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def _unlisted(found: dict[str, Any] | None) -> list[Text]:
    """Programs that trade and are in no table; nothing where none does."""
    if not found or not found["programs"]:
        return []
    most = ", ".join(f"{one['program']} {one['share']:.1%}" for one in found["shown"])
    text = (
        f"unlisted programs {count(found['programs'])}: {found['share'] or 0:.1%} of "
        f"{count(found['swaps'])} swaps in 2 h; most: {most}"
    )
    if found["left_out"]:
        text += f"; beyond what is noted: {count(found['left_out'])}"
    return [Text(text, style="dim")]


def _table(*columns: str, numbers: tuple[str, ...] = ()) -> Fitting:
    return Fitting(*columns, numbers=numbers)


def _services(services: list[dict[str, Any]]) -> Fitting:
    numbers = ("instances", "per s", "per s, 60 s", "total")
    table = _table("service", *numbers, "not well", numbers=numbers)
    for one in services:
        rate = one["rates"].get(MAIN_COUNTER.get(one["service"], ""), NO_RATE)
        bad = [
            f"{i['instance']}: {'silent' if i['stale'] else i['reason'] or 'not ready'}"
            for i in one["instances"]
            if i["stale"] or not i["ready"]
        ]
        table.add_row(
            Text(one["service"]),
            str(len(one["instances"])),
            count(float(rate["per_s_1s"])),
            count(float(rate["per_s_60s"])),
            count(rate["total"]),
            Text("; ".join(bad), style="red"),
        )
    return table


def _sources(sources: list[dict[str, Any]]) -> Fitting:
    numbers = ("slot", "lag ms", "checkpoint", "frontier", "gaps")
    table = _table("source", "state", *numbers, numbers=numbers)
    # Below, not in a column: an address is longer than a narrow terminal has room for.
    table.caption = Text("  ".join(f"{one['source']} = {_endpoint(one)}" for one in sources))
    for one in sources:
        state = Text("connected", style="green") if one["connected"] else Text("away", style="red")
        if one["waiting_for_broker"]:
            state = Text("waits for the broker", style="yellow")
        table.add_row(
            Text(one["source"]),
            state,
            slot(one["slot"]),
            _lag(one),
            slot(one["checkpoint_slot"]),
            slot(one["frontier_slot"]),
            count(one["gaps"]),
        )
    return table


def _endpoint(one: dict[str, Any]) -> str:
    """Where a source is and what it is asked for; an API of the version before says less."""
    permille = one.get("seen_permille")
    blocks = "" if permille is None else f"{permille / 10:g} % of the blocks seen"
    seen = ", ".join(filter(None, (one.get("filter"), blocks)))
    return f"{one['endpoint'] or 'no ingest'}{f' ({seen})' if seen else ''}"


def _lag(one: dict[str, Any]) -> str:
    """How far behind; an API of the version before says less."""
    if one.get("kind") == "recorded":
        return "recording"
    ahead_ms = one.get("clock_ahead_ms", 0)
    if ahead_ms > CLOCK_MAX_MS:
        return f"clock {ahead_ms // 1000} s ahead"
    return count(one["lag_ms"])


def _endpoints(sources: list[dict[str, Any]]) -> list[Fitting]:
    """Each endpoint of the sources that have several; nothing where none has."""
    rows = [(one["source"], each) for one in sources for each in one["endpoints"]]
    if not rows:
        return []
    numbers = ("slot", "lag ms")
    table = _table("endpoint", "of", "state", *numbers, "detail", numbers=numbers)
    for source, one in rows:
        state = Text("taken", style="green") if one["active"] else Text("standby")
        if not one["connected"] and one["active"]:
            state = Text("away", style="red")
        table.add_row(
            Text(one["endpoint"]),
            Text(source),
            state,
            slot(one["slot"]),
            _lag(one),
            Text(one.get("refusing") or one["detail"], style="yellow"),
        )
    return [table]


def _streams(streams: list[dict[str, Any]]) -> Fitting:
    numbers = ("messages", "bytes", "limit", "full", "first", "last")
    table = _table("stream", *numbers, numbers=numbers)
    for one in streams:
        limit = one["bytes_max"]
        share = 100 * one["bytes"] / limit if limit > 0 else 0.0
        table.add_row(
            Text(one["stream"]),
            count(one["messages"]),
            size(one["bytes"]),
            size(limit) if limit > 0 else "-",
            Text(f"{share:.0f} %", style="red" if share >= 100 * FULL_SHARE else ""),
            count(one["first_seq"]),
            count(one["last_seq"]),
        )
    return table


def _consumers(consumers: list[dict[str, Any]]) -> Fitting:
    numbers = ("pending", "unacked", "redelivered", "lag s")
    table = _table("consumer", *numbers, numbers=numbers)
    for one in consumers:
        table.add_row(
            Text(f"{one['stream']}/{one['consumer']}"),
            count(one["pending"]),
            count(one["ack_pending"]),
            count(one["redelivered"]),
            f"{one['lag_s']:.1f}",
        )
    return table
