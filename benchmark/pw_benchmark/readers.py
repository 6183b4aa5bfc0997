"""Who reads the transactions: our parser, the plain sign rule, a process, or a file of answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec

from pw_benchmark.process import Answer
from pw_benchmark.scoring import Trade
from pw_benchmark.sign_rule import trades
from pw_benchmark.transactions import Transaction, as_rpc
from pw_common.wire.messages import Swap
from pw_parser.core.parse import Malformed, parse

Answers = dict[str, list[Trade] | None]


class BadAnswers(ValueError):
    """A file of answers that cannot be read; says where."""


def parser(transactions: Iterable[Transaction]) -> Answers:
    """Our parser, with the shipped table of programs."""
    answers: Answers = {}
    for one in transactions:
        try:
            events = parse(one.update).events
        except Malformed:
            answers[one.signature] = None
            continue
        answers[one.signature] = [_trade(event) for event in events if isinstance(event, Swap)]
    return answers


def _trade(swap: Swap) -> Trade:
    return Trade(
        trader=swap.trader,
        side=swap.side,
        mint=swap.mint,
        base_amount_raw=swap.base_amount_raw,
        quote_mint=swap.quote_mint,
        quote_amount_raw=swap.quote_amount_raw,
    )


def sign_rule(transactions: Iterable[Transaction]) -> Answers:
    """The plain sign rule for the fee payer."""
    return {
        one.signature: msgspec.convert(trades(as_rpc(one)), list[Trade]) for one in transactions
    }


def from_file(path: Path) -> Answers:
    """Answers that were written down: a decoder's lines, or a swap a line as `pw parse` gives.

    A transaction that the file does not name was read and holds no trade.

    Raises:
        BadAnswers: a line that is neither.
        OSError: from the file.
    """
    found: defaultdict[str, list[Trade]] = defaultdict(list)
    failed: set[str] = set()
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            answer = msgspec.json.decode(line, type=Answer)
            if b'"trades"' not in line and not answer.error:
                found[answer.signature].append(msgspec.json.decode(line, type=Trade))
        except msgspec.MsgspecError as error:
            raise BadAnswers(f"{path}:{number}: {error}") from error
        found[answer.signature] += answer.trades
        if answer.error:
            failed.add(answer.signature)
    return {**found, **dict.fromkeys(failed)}
