"""Where tokens were exchanged, by the shape of the calls alone: no list takes part.

Every instruction stands below the one that called it. The lowest call in which an owner
gave one mint and got another is a hop, and its program a venue, whatever its name. What a
known non-exchange moves (a loan against collateral, a deposit) is no hop.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from pw_parser.core.balances.wallets import is_wallet
from pw_parser.core.calls.ledger import Ledger
from pw_parser.core.calls.moves import Call, CallReader
from pw_parser.core.calls.shape import NATIVE, Hop, Move, Shape
from pw_parser.core.decode.programs import SOL_MINT, Program, Programs
from pw_parser.core.decode.transaction import View
from pw_parser.core.venues.registry import VENUES, is_no_trade

# An owner with less than half of what another moved took a fee.
MOST_MIN: Final = 2


def shape_of(ledger: Ledger, programs: Programs) -> Shape:
    """Every exchange of the transaction, by who moved what below which call.

    Raises:
        Malformed: an instruction names an account that is not there.
    """
    hops: list[Hop] = []
    moved: list[Sequence[Move]] = []
    issued: list[Sequence[Move]] = []
    view = ledger.view
    reader = CallReader(ledger)
    # Callers stand before what they call, so from the end each is complete when it is met.
    calls = reader.calls()
    beside: list[Sequence[Move]] = [reader.outer]
    for call in reversed(calls):
        caller = call.caller
        if call.exchanged_below:
            beside.append(call.moves)
            if caller is not None:
                caller.exchanged_below = True
            continue
        if not call.moves:
            continue
        call.listed = programs.by_key.get(view.keys[call.program])
        if call.listed is not None and _trades_nothing(call.listed, call.data):
            beside.append(call.moves)
            continue
        hop = _hop_of(view, call)
        if hop is not None:
            hops.append(hop)
            moved.append(call.moves)
            if caller is not None:
                caller.exchanged_below = True
            continue
        if call.issues:
            issued.append(call.moves)
        if caller is None:
            beside.append(call.moves)
        else:
            caller.moves.extend(call.moves)
    exchanged = {hop.place.outer for hop in hops}
    supplied = frozenset(owner for outer, owner in reader.supplied if outer in exchanged)
    return Shape(
        tuple(reversed(hops)), tuple(reversed(moved)), tuple(issued), tuple(beside), supplied
    )


def _trades_nothing(program: Program, data: bytes) -> bool:
    """Whether it is known that an instruction exchanges nothing: a loan, liquidity, an order."""
    if program.kind != "venue":
        return program.kind == "non_exchange"
    if program.takes:
        return not data.startswith(program.takes)
    return is_no_trade(program.name, data)


def _hop_of(view: View, call: Call) -> Hop | None:
    """A call as a hop; None where it is none. A listed venue whose instructions are known need
    not be proven.
    """
    program = call.listed
    if program is None or program.kind in ("router", "bot"):
        return _exchanged(view, call)
    if program.kind != "venue":
        return None
    venue = VENUES.get(program.name)
    if program.takes or venue is None or venue.instruction(call.data) is None:
        return _exchanged(view, call)
    mints = frozenset(SOL_MINT if mint == NATIVE else mint for _, _, mint, _ in call.moves)
    return call.hop(view, mints)


def _exchanged(view: View, call: Call) -> Hop | None:
    """What changed hands against each other below a call; None where nothing did.

    SOL sent by the system program counts only if whoever got it gave the token: a fee beside
    an airdrop goes elsewhere. A curve may also pay out of its own lamports.
    """
    nets: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for source, destination, mint, raw in call.moves:
        if source != destination:
            nets[source][mint] = nets[source].get(mint, 0) - raw
            nets[destination][mint] = nets[destination].get(mint, 0) + raw
    tokens = {
        owner: signs
        for owner, net in nets.items()
        if _opposes(signs := {m: raw for m, raw in net.items() if m != NATIVE and raw})
    }
    if tokens:
        mints = frozenset(mint for signs in tokens.values() for mint in signs)
        return call.hop(view, mints, _with_most(tokens))
    with_native = {owner: net for owner, net in nets.items() if net.get(NATIVE) and _opposes(net)}
    mints = frozenset(
        m for net in with_native.values() for m, raw in net.items() if raw and m != NATIVE
    )
    # A curve alone, where somebody paid it for another wallet.
    if len(with_native) > 1 or any(
        net[NATIVE] > 0 and not is_wallet(owner) for owner, net in with_native.items()
    ):
        lamports = max(abs(net[NATIVE]) for net in with_native.values())
        return call.hop(view, mints | {SOL_MINT}, frozenset(with_native), lamports)
    return _paid_from_lamports(view, call, nets)


def _opposes(net: dict[str, int]) -> bool:
    return min(net.values(), default=0) < 0 < max(net.values(), default=0)


def _with_most(tokens: dict[str, dict[str, int]]) -> frozenset[str]:
    """The owners that moved a large part of what was exchanged, and not a fee both ways."""
    most: defaultdict[str, int] = defaultdict(int)
    for signs in tokens.values():
        for mint, raw in signs.items():
            most[mint] = max(most[mint], abs(raw))
    return frozenset(
        owner
        for owner, signs in tokens.items()
        if _opposes({m: raw for m, raw in signs.items() if abs(raw) * MOST_MIN >= most[m]})
    )


def _paid_from_lamports(view: View, call: Call, nets: dict[str, dict[str, int]]) -> Hop | None:
    """The token that somebody took for lamports of its own, which no instruction shows."""
    taken = {owner: mint for owner, net in nets.items() for mint, raw in net.items() if raw > 0}
    taken = {owner: mint for owner, mint in taken.items() if mint != NATIVE}
    if not taken:
        return None
    for index in range(view.signer_count, len(view.keys)):
        paid = view.pre_lamports[index] - view.post_lamports[index]
        if paid > 0 and view.post_lamports[index]:
            owner = view.address(index)
            if owner in taken:
                mints = frozenset({taken[owner], SOL_MINT})
                return call.hop(view, mints, frozenset({owner}), paid)
    return None
