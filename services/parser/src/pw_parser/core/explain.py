"""Why a transaction reads as it does: the same judgement as `parse`, with its working shown."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from pw_common.wire.messages import Event, RoundTrip, Swap
from pw_parser.core.balances.context import Context, signature_text
from pw_parser.core.balances.owners import with_owners
from pw_parser.core.balances.wallets import is_wallet
from pw_parser.core.calls.hops import shape_of
from pw_parser.core.calls.ledger import Ledger
from pw_parser.core.calls.statements import NOTHING, Statements
from pw_parser.core.calls.walk import ledger_of
from pw_parser.core.decode.programs import BUILT_IN, QUOTE_MINTS, SOL_MINT, Programs
from pw_parser.core.decode.transaction import Malformed, View, info_of, message_of, view_of
from pw_parser.core.successful import parsed_of
from pw_parser.core.trades.judgement import judgement_of

Verdict: TypeAlias = Literal[
    "swap",
    "round_trip",
    "vote",
    "failed",
    "no_exchange",
    "orders",
    "no_token_moved",
    "quote_for_quote",
    "liquidity",
    "no_other_side",
    "no_trader",
]

SENTENCES: Final[dict[Verdict, str]] = {
    "swap": "A trade: somebody's token and quote moved against each other.",
    "round_trip": "A signer went through exchanges and kept none, or only dust, of any token.",
    "vote": "A vote: it moves no token.",
    "failed": "It failed on chain: nothing moved but the fee.",
    "no_exchange": "No listed exchange took part, and no program moved a token against a quote.",
    "orders": "Orders were placed, cancelled or settled, none was taken.",
    "no_token_moved": "Exchange programs ran, but no token changed hands: orders, settings, fees.",
    "quote_for_quote": "Only SOL and dollars were exchanged: kept apart, as the price of SOL.",
    "liquidity": "Token and quote moved the same way for a signer: liquidity added or removed.",
    "no_other_side": "A token moved for a signer, but nobody gave or got it for a quote.",
    "no_trader": "Tokens moved, but no signer's, wallet's or named vault's balances show a trade.",
}

Label: TypeAlias = Literal["signer", "wallet", "program", "unknown"]


class Balance(NamedTuple):
    """One owner's net of one mint, in raw units. SOL is WSOL and lamports in one, cleaned."""

    owner: str
    label: Label
    mint: str
    change_raw: int
    decimals: int


class TakenOut(NamedTuple):
    """SOL beside the trade of one account: negative where it paid."""

    account: str
    lamports: int
    reasons: tuple[str, ...]


class Explanation(NamedTuple):
    """Everything that led to the verdict."""

    signature: str
    slot: int
    verdict: Verdict
    sentence: str
    signers: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    routers: tuple[str, ...] = ()
    balances: tuple[Balance, ...] = ()
    taken_out: tuple[TakenOut, ...] = ()
    said: Statements = NOTHING
    events: tuple[Event, ...] = ()
    hops: tuple[str, ...] = ()


def explain(update: bytes, programs: Programs = BUILT_IN) -> Explanation | None:
    """The working behind a transaction's events; None for an update that is no transaction.

    `hops` are the programs below which a token moved against another, in order.

    Raises:
        Malformed: as `parse` does.
    """
    message = message_of(update)
    if message.WhichOneof("update_oneof") != "transaction":
        return None
    info, slot = info_of(message.transaction), message.transaction.slot
    signature = signature_text(info.signature)
    if info.is_vote:
        return Explanation(signature, slot, "vote", SENTENCES["vote"])
    if info.meta.HasField("err"):
        return Explanation(signature, slot, "failed", SENTENCES["failed"])
    view = view_of(info, slot)
    parsed = parsed_of(view, programs)
    ledger = ledger_of(view, programs)
    view = ledger.view
    judgement = judgement_of(ledger, parsed.said, programs)
    context = None if judgement is None else judgement.context
    verdict = _verdict(ledger, context, parsed.events, view)
    return Explanation(
        signature=signature,
        slot=slot,
        verdict=verdict,
        sentence=SENTENCES[verdict],
        signers=tuple(view.address(index) for index in range(view.signer_count)),
        venues=ledger.venues,
        routers=ledger.routers,
        balances=_balances(view, context),
        taken_out=_taken_out(view, ledger),
        said=parsed.said,
        events=parsed.events,
        hops=tuple(
            hop.venue or (hop.program.name if hop.program is not None else hop.id)
            for hop in shape_of(ledger, programs).hops
        ),
    )


def _verdict(
    ledger: Ledger, context: Context | None, events: tuple[Event, ...], view: View
) -> Verdict:
    if any(isinstance(event, Swap) for event in events):
        return "swap"
    if any(isinstance(event, RoundTrip) for event in events):
        return "round_trip"
    if ledger.orders and not ledger.venues:
        return "orders"
    if not ledger.venues and not ledger.routers:
        return "no_exchange"
    if context is None:
        moved = {t.mint for t in view.tokens if t.pre_raw != t.post_raw}
        return "quote_for_quote" if moved and moved <= QUOTE_MINTS else "no_token_moved"
    return _why_no_leg(context)


def _why_no_leg(context: Context) -> Verdict:
    for signer in context.signers:
        base = [raw for raw in context.balances.base.get(signer, {}).values() if raw]
        quote = [raw for raw in context.balances.quote.get(signer, {}).values() if raw]
        if not base and len(quote) > 1 and min(quote) < 0 < max(quote):
            return "quote_for_quote"
        if base and any(raw * base[0] > 0 for raw in quote):
            return "liquidity"
        if base:
            return "no_other_side"
    return "no_trader"


def _balances(view: View, context: Context | None) -> tuple[Balance, ...]:
    """Net changes by owner and mint, signers first, then by size."""
    signers = [view.address(index) for index in range(view.signer_count)]
    rows: list[Balance] = []
    if context is None:
        sums: dict[tuple[str, str], int] = {}
        places: dict[str, int] = {}
        for token in with_owners(view).tokens:
            key = (token.owner, token.mint)
            sums[key] = sums.get(key, 0) + token.post_raw - token.pre_raw
            places[token.mint] = token.decimals
        rows = [
            Balance(owner, _label(owner, signers), mint, raw, places[mint])
            for (owner, mint), raw in sums.items()
            if raw
        ]
    else:
        balances = context.balances
        for side in (balances.base, balances.quote):
            for owner, changes in side.items():
                for mint, raw in changes.items():
                    decimals = 9 if mint == SOL_MINT else balances.decimals.get(mint, 0)
                    if raw:
                        rows.append(Balance(owner, _label(owner, signers), mint, raw, decimals))
    rows.sort(key=lambda row: (row.label != "signer", row.owner, row.mint in QUOTE_MINTS, row.mint))
    return tuple(rows)


def _label(owner: str, signers: list[str]) -> Label:
    if not owner:
        return "unknown"
    if owner in signers:
        return "signer"
    return "wallet" if is_wallet(owner) else "program"


def _taken_out(view: View, ledger: Ledger) -> tuple[TakenOut, ...]:
    return tuple(
        TakenOut(view.address(index), lamports, tuple(sorted(ledger.reasons.get(index, ()))))
        for index, lamports in sorted(ledger.beside_lamports.items())
        if lamports
    )


def reading_of(update: bytes, programs: Programs = BUILT_IN) -> dict[str, object]:
    """What a transaction reads as: verdict, events, and what is not understood.

    Raises:
        Malformed: as `parse` does.
    """
    explanation = explain(update, programs)
    if explanation is None:
        return {"verdict": None, "events": (), "unparsed": ()}
    return {
        "verdict": explanation.verdict,
        "events": explanation.events,
        "unparsed": [one._asdict() for one in explanation.said.unparsed],
    }


__all__ = ["Explanation", "Malformed", "explain", "reading_of"]
