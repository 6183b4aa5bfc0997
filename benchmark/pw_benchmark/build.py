"""Make the list from real transactions: what our parser reads, where a second source agrees.

The second source is an expectation that another reader wrote down, or the transaction's balances.
What neither confirms is not listed, right or wrong.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Final

from pw_benchmark.listed import Entry
from pw_benchmark.sign_rule import SOL
from pw_benchmark.transactions import Transaction, base58, read_transactions
from pw_common.wire.messages import Swap
from pw_geyser import geyser_pb2 as pb
from pw_parser.core.decode.programs import BUILT_IN
from pw_parser.core.parse import Parsed, parse

# A venue's own fee is part of what a trade cost, and some readers leave it out.
QUOTE_TOLERANCE: Final = 0.03
# Of failed transactions a few are enough: a reader looks at their error, or does not.
FAILED_LISTED: Final = 40
# Less than this is rent, a fee or a tip.
LAMPORTS_ASIDE: Final = 5_000_000
Changes = dict[str, Counter[str]]


def entries_of(folder: Path) -> list[Entry]:
    """The list, from a folder of captures and expectations and its folder `2026`."""
    found: list[Entry] = []
    failed: list[Entry] = []
    for where in (folder, folder / "2026"):
        if not (where / "expected.jsonl").is_file():
            continue
        wanted: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for line in (where / "expected.jsonl").read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            wanted[one["signature"]].append(one)
        for transaction in read_transactions(sorted(where.glob("*.pb.gz"))):
            parsed = parse(transaction.update)
            expected = wanted.get(transaction.signature, [])
            if parsed.vote:
                continue
            if parsed.failed:
                failed += _failed(transaction)
            elif expected and expected[0]["expect"] == "none":
                found += _none(transaction, parsed, expected[0])
            else:
                found += _trades(transaction, parsed, expected)
    # By a hash of the chain's own making: no choice of ours.
    failed.sort(key=lambda one: one.signature)
    found += failed[:FAILED_LISTED]
    return sorted(found, key=lambda one: (one.slot or 0, one.signature, one.trader, one.mint))


def _trades(
    transaction: Transaction, parsed: Parsed, expected: list[dict[str, Any]]
) -> list[Entry]:
    """The trades of a transaction, if every one of them is confirmed."""
    swaps = [event for event in parsed.events if isinstance(event, Swap)]
    changes = changes_of(transaction)
    found = []
    for swap in swaps:
        of = [one for one in expected if _same(one, swap)]
        moved = _change(changes, swap)
        by_balances = moved is not None and (moved or "token_to_token" in swap.reasons)
        # Beyond an expectation, only the trader's own signature makes balances a proof.
        if not of and (not by_balances or swap.trader not in swap.signers):
            return []
        quoted = bool(moved) or any(_quote_agrees(one, swap) for one in of)
        found.append(_entry(transaction, swap, quoted=quoted, expected=bool(of)))
    met = sum(any(_same(one, swap) for swap in swaps) for one in expected)
    return found if met == len(expected) else []


def _entry(transaction: Transaction, swap: Swap, *, quoted: bool, expected: bool) -> Entry:
    has_quote = quoted and swap.quote_mint is not None and swap.quote_amount_raw is not None
    return Entry(
        signature=transaction.signature,
        slot=transaction.slot or None,
        year=transaction.year,
        expect="leg" if "token_to_token" in swap.reasons else "trade",
        venue="+".join(swap.venues),
        trader=swap.trader,
        mint=swap.mint,
        side=swap.side,
        base_amount_raw=str(swap.base_amount_raw),
        quote_mint=swap.quote_mint if has_quote else None,
        quote_amount_raw=str(swap.quote_amount_raw) if has_quote else None,
        checked="expectation" if expected else "balances",
    )


def _same(want: dict[str, Any], swap: Swap) -> bool:
    if want["expect"] != "trade":
        return False
    said = (want["trader"], want["side"], want["mint"], want["base_amount_raw"])
    return said == (swap.trader, swap.side, swap.mint, str(swap.base_amount_raw))


def _quote_agrees(want: dict[str, Any], swap: Swap) -> bool:
    if want["quote_amount_raw"] is None or want["quote_mint"] != swap.quote_mint:
        return False
    target = int(want["quote_amount_raw"])
    return abs((swap.quote_amount_raw or 0) - target) <= QUOTE_TOLERANCE * target


def _change(changes: Changes, swap: Swap) -> bool | None:
    """Whether the trader's balances show the quote too; None where they do not show the base."""
    way = 1 if swap.side == "buy" else -1
    if changes[swap.trader][swap.mint] != way * swap.base_amount_raw:
        return None
    if swap.quote_mint is None or not swap.quote_amount_raw:
        return False
    paid = -way * changes[swap.trader][swap.quote_mint]
    return abs(paid - swap.quote_amount_raw) <= QUOTE_TOLERANCE * swap.quote_amount_raw


def _none(transaction: Transaction, parsed: Parsed, expected: dict[str, Any]) -> list[Entry]:
    if any(isinstance(event, Swap) for event in parsed.events):
        return []
    weak = bool(expected.get("weak"))
    # Such an expectation rests on no known program being there, so the balances must bear it out.
    if weak and any(map(_looks_traded, changes_of(transaction).values())):
        return []
    return [_nothing(transaction, _word(expected["why"]), by_balances=weak)]


def _failed(transaction: Transaction) -> list[Entry]:
    info = pb.SubscribeUpdate.FromString(transaction.update).transaction.transaction
    keys = {bytes(one) for one in info.transaction.message.account_keys}
    if not any(BUILT_IN.by_key[key].kind == "venue" for key in keys & BUILT_IN.by_key.keys()):
        return []
    return [_nothing(transaction, "failed", by_balances=True)]


def _nothing(transaction: Transaction, what: str, *, by_balances: bool) -> Entry:
    return Entry(
        signature=transaction.signature,
        slot=transaction.slot or None,
        year=transaction.year,
        expect="none",
        venue=what,
        checked="balances" if by_balances else "expectation",
    )


def _word(why: str) -> str:
    """Our own short name for why a transaction holds no trade."""
    for part, word in (
        ("round trip", "round_trip"),
        ("arbitrage", "round_trip"),
        ("liquidity", "liquidity"),
        ("orders", "order"),
        ("dollars", "quotes_exchanged"),
        ("no exchange", "other"),
    ):
        if part in why:
            return word
    return "no_trade"


def changes_of(transaction: Transaction) -> Changes:
    """What each owner's balances did, wrapped SOL and lamports as one, the network's fee aside."""
    info = pb.SubscribeUpdate.FromString(transaction.update).transaction.transaction
    meta = info.meta
    keys = [
        *info.transaction.message.account_keys,
        *meta.loaded_writable_addresses,
        *meta.loaded_readonly_addresses,
    ]
    found: Changes = defaultdict(Counter)
    for sign, rows in ((-1, meta.pre_token_balances), (1, meta.post_token_balances)):
        for row in rows:
            found[row.owner][row.mint] += sign * int(row.ui_token_amount.amount or 0)
    for key, before, after in zip(keys, meta.pre_balances, meta.post_balances, strict=True):
        found[base58(key)][SOL] += after - before
    found[base58(keys[0])][SOL] += meta.fee
    return found


def _looks_traded(changes: Counter[str]) -> bool:
    """Whether an owner had more of one thing and less of another at the end."""
    up = any(change > 0 for mint, change in changes.items() if mint != SOL)
    down = any(change < 0 for mint, change in changes.items() if mint != SOL)
    lamports = changes[SOL]
    return (up and (down or lamports < -LAMPORTS_ASIDE)) or (down and lamports > LAMPORTS_ASIDE)
