"""`pw parse --explain`, `--fixture` and `--verdicts`: why transactions read as they do."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
from google.protobuf.message import DecodeError
from rich.console import Console
from rich.table import Table
from rich.text import Text
from solders.signature import Signature

from pw_cli.terminal.event_words import in_words
from pw_cli.terminal.render_amounts import in_decimals, name_of, price_of
from pw_cli.terminal.terminal import write_json
from pw_common.text.plain_text import SENTENCE_CHARS_MAX, plain_text
from pw_common.wire.captures import BadCapture, CaptureWriter, read_capture
from pw_common.wire.messages import Swap
from pw_geyser import shallow_pb2
from pw_parser.core.decode.programs import BUILT_IN, Programs
from pw_parser.core.decode.transaction import Malformed
from pw_parser.core.explain import Balance, Explanation, explain, reading_of
from pw_parser.core.trades.reasons import REASONS

EXIT_OK = 0
EXIT_NOT_FOUND = 1
EXIT_UNREADABLE = 2
SHORT = 8


def explain_one(
    signature: str, paths: list[Path], programs: Programs = BUILT_IN, *, as_json: bool
) -> int:
    """Print the working behind one transaction; a unique beginning of its signature will do."""
    try:
        found = find(signature, paths)
    except BadCapture as error:
        sys.stderr.write(f"pw parse: {error}\n")
        return EXIT_UNREADABLE
    if len(found) != 1:
        return _not_one(signature, paths, found)
    [update] = found.values()
    try:
        explanation = explain(update, programs)
    except Malformed as error:
        return _unreadable(signature, error)
    assert explanation is not None
    if as_json:
        write_json(explanation._asdict())
    else:
        show(explanation, Console())
    return EXIT_OK


def write_fixture(signature: str, paths: list[Path], out: Path) -> int:
    """Keep one transaction, and what it reads as now, as a test case."""
    try:
        found = find(signature, paths)
    except BadCapture as error:
        sys.stderr.write(f"pw parse: {error}\n")
        return EXIT_UNREADABLE
    if len(found) != 1:
        return _not_one(signature, paths, found)
    [(whole, update)] = found.items()
    try:
        reading = reading_of(update)
    except Malformed as error:
        return _unreadable(whole, error)
    out.mkdir(parents=True, exist_ok=True)
    capture, expected = out / f"{whole}.pb.gz", out / f"{whole}.json"
    with CaptureWriter(capture) as writer:
        writer.write(update)
    body = msgspec.json.encode(reading, order="deterministic")
    expected.write_bytes(msgspec.json.format(body, indent=2) + b"\n")
    sys.stdout.write(
        f"wrote {capture}\nwrote {expected}\n"
        "Correct the second file to what it should read, put both into\n"
        "services/parser/tests/fixtures, and run: pytest services/parser/tests/test_fixtures.py\n"
    )
    return EXIT_OK


def verdicts(
    paths: list[Path],
    leave_out: Path | None,
    programs: Programs = BUILT_IN,
    *,
    as_json: bool,
) -> int:
    """Every successful transaction that is not a vote, with its verdict; one line each."""
    known = _signatures_in(leave_out) if leave_out else frozenset()
    counts: Counter[str] = Counter()
    table = Table("signature", "venues", "verdict", "confidence", box=None, pad_edge=False)
    try:
        for explanation in _explanations(paths, programs):
            if explanation.verdict in {"vote", "failed"} or explanation.signature in known:
                continue
            counts[explanation.verdict] += 1
            row = _verdict_row(explanation)
            if as_json:
                sys.stdout.buffer.write(msgspec.json.encode(row) + b"\n")
            else:
                table.add_row(row["signature"][:SHORT], *list(row.values())[1:])
    except BadCapture as error:
        sys.stderr.write(f"pw parse: {error}\n")
        return EXIT_UNREADABLE
    if not as_json:
        Console().print(table)
    total = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    sys.stderr.write(f"pw parse: {counts.total()} transactions: {total}\n")
    return EXIT_OK


def find(signature: str, paths: list[Path]) -> dict[str, bytes]:
    """Transactions whose signature begins so, by whole signature."""
    found: dict[str, bytes] = {}
    for path in paths:
        for update in read_capture(path):
            try:
                raw = bytes(shallow_pb2.Update.FromString(update).transaction.info.signature)
            except DecodeError:
                continue
            if len(raw) == Signature.LENGTH:
                text = str(Signature.from_bytes(raw))
                if text.startswith(signature):
                    found[text] = update
    return found


def show(explanation: Explanation, console: Console) -> None:
    """Tables: balances, what was taken out, events, verdict."""
    console.print(f"[bold]{explanation.signature}[/bold]", soft_wrap=True)
    console.print(f"slot {explanation.slot}")
    console.print(f"fee payer {explanation.signers[0] if explanation.signers else '-'}")
    console.print(f"venues {', '.join(explanation.venues) or '-'}")
    console.print(f"routers {', '.join(explanation.routers) or '-'}")
    console.print(f"hops {', '.join(explanation.hops) or '-'}\n", soft_wrap=True)
    if explanation.balances:
        table = Table(
            "owner", "what", "mint", "change", title="Balances, net", title_justify="left"
        )
        for row in explanation.balances:
            table.add_row(row.owner[:SHORT] or "?", row.label, name_of(row.mint), _amount(row))
        console.print(table)
    if explanation.taken_out:
        table = Table("account", "lamports", "why", title="Taken out", title_justify="left")
        for one in explanation.taken_out:
            table.add_row(one.account[:SHORT], f"{one.lamports:+d}", ", ".join(one.reasons))
        console.print(table)
    if explanation.said.trades:
        table = Table("venue", "given", "got", "user", title="Events", title_justify="left")
        for trade in explanation.said.trades:
            given = f"{trade.amount_in_raw} {name_of(trade.mint_in or '?')}"
            got = f"{trade.amount_out_raw} {name_of(trade.mint_out or '?')}"
            table.add_row(trade.venue, given, got, (trade.user or "-")[:SHORT])
        console.print(table)
    for unknown in explanation.said.unparsed:
        what = f"{unknown.venue} {unknown.what} {unknown.tag}"
        console.print(f"[yellow]not understood: {what}[/yellow]")
    console.print(f"\n[bold]{explanation.verdict}[/bold]: {explanation.sentence}")
    for event in explanation.events:
        if isinstance(event, Swap):
            _show_swap(event, console)
        elif (words := in_words(event)) is not None:
            # Text, not markup: a token's name is in it.
            line = f"  {plain_text(words, SENTENCE_CHARS_MAX)}"
            console.print(Text(line), soft_wrap=True, highlight=False)


def _show_swap(swap: Swap, console: Console) -> None:
    base = in_decimals(swap.base_amount_raw, swap.base_decimals)
    console.print(
        f"  {swap.trader} {swap.side}s {base} {name_of(swap.mint)} for {_paid(swap)}, "
        f"confidence {swap.confidence:.2f}",
        soft_wrap=True,
        highlight=False,
    )
    for reason in swap.reasons:
        penalty = REASONS[reason].penalty
        cost = f" (-{penalty:g})" if penalty else ""
        console.print(f"    {reason}{cost}: {REASONS[reason].sentence}", soft_wrap=True)


def _paid(swap: Swap) -> str:
    """The quote and the price of one token, or that there is none."""
    raw, decimals = swap.quote_amount_raw, swap.quote_decimals
    if raw is None or swap.quote_mint is None:
        return "a value that nothing states"
    name = name_of(swap.quote_mint)
    if decimals is None:
        return f"{raw} {name} raw"
    each = price_of((raw, decimals), (swap.base_amount_raw, swap.base_decimals))
    return f"{in_decimals(raw, decimals)} {name}" + (f" ({each} each)" if each else "")


def _amount(row: Balance) -> str:
    return ("+" if row.change_raw > 0 else "") + in_decimals(row.change_raw, row.decimals)


def _verdict_row(explanation: Explanation) -> dict[str, str]:
    swaps = [event for event in explanation.events if isinstance(event, Swap)]
    what = ", ".join(f"{s.side} {name_of(s.mint)}" for s in swaps) or explanation.verdict
    return {
        "signature": explanation.signature,
        "venues": ",".join(_venues_of(explanation, swaps)) or "-",
        "verdict": what,
        "confidence": f"{min(s.confidence for s in swaps):.2f}" if swaps else "",
    }


def _venues_of(explanation: Explanation, swaps: list[Swap]) -> tuple[str, ...]:
    """Venues of the trades, which may be in no table; else those that took part."""
    traded = tuple(dict.fromkeys(venue for swap in swaps for venue in swap.venues))
    return traded or explanation.venues or explanation.routers


def _explanations(paths: list[Path], programs: Programs) -> Iterator[Explanation]:
    for path in paths:
        for position, update in enumerate(read_capture(path)):
            try:
                explanation = explain(update, programs)
            except Malformed as error:
                sys.stderr.write(f"pw parse: {path}: update {position}: {error}\n")
                continue
            if explanation is not None:
                yield explanation


def _signatures_in(path: Path) -> frozenset[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(msgspec.json.decode(line)["signature"] for line in lines if line.strip())


def _unreadable(signature: str, error: Malformed) -> int:
    sys.stderr.write(f"pw parse: {signature}: cannot be read: {error}\n")
    return EXIT_UNREADABLE


def _not_one(signature: str, paths: list[Path], found: dict[str, bytes]) -> int:
    if found:
        sys.stderr.write(f"pw parse: {len(found)} signatures begin with {signature}: give more\n")
    else:
        read = ", ".join(map(str, paths))
        sys.stderr.write(f"pw parse: no transaction {signature} in {read}\n")
    return EXIT_NOT_FOUND
