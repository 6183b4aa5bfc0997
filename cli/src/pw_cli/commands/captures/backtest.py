"""`pw backtest FILE…`: the alerts that rules would have given, by the detector's own core."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from pw_cli.offline.kinds import HELP
from pw_cli.offline.programs_file import programs_of
from pw_cli.offline.reading import UNREADABLE, complain_of, slots_shown
from pw_cli.terminal.terminal import cell, complain
from pw_common.documents.document import read_file
from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.text.plain_text import NAME_CHARS_MAX, plain_json
from pw_common.wire.alerts import Alert, alert_digest
from pw_common.wire.messages import encode
from pw_detection.detector import Detector
from pw_detection.rules.rules import BYTES_MAX, Rule, read_rules, shipped_rules
from pw_parser.core.decode.programs import BUILT_IN

EXIT_OK = 0
EXIT_UNREADABLE = 2
SHORT = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw backtest`."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help=HELP)
    parser.add_argument(
        "--triggers", type=Path, metavar="YAML", help="rules to try (default: the shipped ones)"
    )
    parser.add_argument(
        "--json", action="store_true", help="one alert.v1 per line, then the summary"
    )
    parser.add_argument(
        "--programs",
        type=Path,
        metavar="FILE",
        help="as `pw parse --programs` takes it, for captures",
    )


def run(args: argparse.Namespace) -> int:
    """Print alerts; 0 done, 2 a file that cannot be read or rules that cannot be used."""
    try:
        rules = rules_of(args.triggers)
        programs = BUILT_IN if args.programs is None else programs_of(args.programs)
        seen = Seen(rules=shipped_rules() if rules is None else rules)
        if not seen.rules:
            complain("backtest", f"--triggers {args.triggers} holds no rule")
            return EXIT_UNREADABLE
        slots = slots_shown("backtest", args.files, programs)
        found = list(_alerts(slots, Detector(rules), seen))
    except UNREADABLE as error:
        complain_of("backtest", error)
        return EXIT_UNREADABLE
    if args.json:
        for alert in found:
            sys.stdout.buffer.write(plain_json(encode(alert)) + b"\n")
        summary = {
            "alerts": len(found),
            "rules": len(seen.rules),
            "swaps": seen.swaps,
            "slots": seen.slots,
            "alert_digest": alert_digest(found),
        }
        sys.stdout.buffer.write(msgspec.json.encode(summary) + b"\n")
    else:
        _show(found, Console(), seen)
    return EXIT_OK


def rules_of(path: Path | None) -> tuple[Rule, ...] | None:
    """Rules of a file, None for the shipped ones. Raises BadDocument, OSError."""
    return None if path is None else read_rules(read_file(path, BYTES_MAX))


@dataclass
class Seen:
    """What the rules were tried on."""

    rules: tuple[Rule, ...]
    swaps: int = 0
    slots: int = 0
    first_ms: int = 0
    last_ms: int = 0

    def line(self) -> str:
        """A sentence that says which rules and swaps gave these alerts, or none."""
        off = sum(not rule.enabled for rule in self.rules)
        rules = f"{len(self.rules)} {'rule' if len(self.rules) == 1 else 'rules'}"
        disabled = f" ({off} disabled)" if off else ""
        span_s = (self.last_ms - self.first_ms) // 1_000
        return (
            f"tried {rules}{disabled} on {self.swaps:,} swaps in {self.slots:,} slots, "
            f"{span_s // 60}:{span_s % 60:02} of event time"
        )


def _alerts(slots: Iterable[ClosedSlot], detector: Detector, seen: Seen) -> Iterator[Alert]:
    for closed in slots:
        seen.slots += 1
        seen.swaps += len(closed.swaps)
        seen.first_ms = seen.first_ms or closed.event_time_ms
        seen.last_ms = max(seen.last_ms, closed.event_time_ms)
        yield from detector.step(closed)


def _show(found: list[Alert], console: Console, seen: Seen | None = None) -> None:
    table = Table("slot", "at", "what", "rule", "token", "bought (5m)", "by", box=None)
    began_ms = found[0].event_time_ms if found else 0
    for alert in found:
        since_s = (alert.event_time_ms - began_ms) // 1_000
        table.add_row(
            str(alert.slot),
            f"+{since_s // 60}:{since_s % 60:02}",
            alert.kind,
            cell(alert.trigger),
            cell(alert.symbol or alert.mint[:SHORT], NAME_CHARS_MAX),
            f"{alert.metrics.get('buy_volume_sol_5m') or 0:.2f} SOL",
            f"{alert.metrics.get('unique_buyers_5m') or 0:g} wallets",
        )
    if found:
        console.print(table)
    kinds = Counter(alert.kind for alert in found)
    fired = {alert.trigger for alert in found}
    by_kind = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    rules = f"{len(fired)} {'rule' if len(fired) == 1 else 'rules'}"
    console.print(f"{len(found)} alerts from {rules}: {by_kind}" if found else "no alerts")
    if seen is not None:
        console.print(seen.line(), soft_wrap=True)
    console.print(f"alert digest {alert_digest(found)}", soft_wrap=True)
