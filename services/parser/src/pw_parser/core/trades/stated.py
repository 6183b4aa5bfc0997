"""Where balances alone mislead, the venues' statements decide between trade and no trade.

Two cases. Arbitrage that keeps its profit in the token looks like a small purchase, until
the events say that the same token was given and got. And a token that is burned, or passed
on by a pool with several sides, has no mirror image in the balances, although the events and
the owner's change agree to the unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from pw_parser.core.balances.context import Context, Leg
from pw_parser.core.balances.wallets import is_wallet
from pw_parser.core.calls.statements import Statements
from pw_parser.core.decode.programs import QUOTE_MINTS

# Reasons of a leg whose price is not in the trader's own balances.
PRICED_ELSEWHERE: Final = frozenset({"quote_from_pool", "no_quote_value"})
# Arbitrage keeps less than this part of what went through it.
KEPT_MAX_PER_CENT: Final = 2
# A keeper's spread on a filled order: the owner gets at least this part of what was stated.
FILLED_MIN_PER_CENT: Final = 97


class Flow(NamedTuple):
    """What all events of one program say of a mint: given and got by users, in raw units."""

    given_raw: int
    got_raw: int

    @property
    def net_raw(self) -> int:
        """Positive where users got more than they gave."""
        return self.got_raw - self.given_raw


def is_arbitrage(said: Statements, leg: Leg) -> bool:
    """Whether the venues say that the trader got back nearly all of the token that it gave.

    So does a bot that makes volume: what it keeps, against what it lost, is no price.
    """
    mint = leg.mint
    if not any(t.mint_in == mint for t in said.trades) or not any(
        t.mint_out == mint for t in said.trades
    ):
        return False
    for flows in _flows(said):
        flow = flows.get(mint)
        if flow is not None and flow.given_raw and flow.got_raw:
            through_raw = min(flow.given_raw, flow.got_raw)
            if abs(leg.base_raw) * 100 <= KEPT_MAX_PER_CENT * through_raw:
                return True
    return False


def stated_legs(said: Statements, context: Context) -> list[Leg]:
    """Trades that the events state and an owner's balance confirms, where no leg was found.

    A signer's change must be what was stated, to the unit. A wallet that did not sign may
    have got a little less: a keeper filled its order and kept a spread.
    """
    for flows in _flows(said):
        nets = {
            mint: flow.net_raw
            for mint, flow in flows.items()
            if mint not in QUOTE_MINTS
            and abs(flow.net_raw) * 100 > KEPT_MAX_PER_CENT * max(flow.given_raw, flow.got_raw)
        }
        legs = [
            leg for mint, net in sorted(nets.items()) for leg in _owners_leg(context, mint, net)
        ]
        if len({leg.trader for leg in legs}) == 1:
            several = len(legs) > 1
            return [
                leg._replace(reasons=(*leg.reasons, "token_to_token")) if several else leg
                for leg in legs
            ]
    return []


def _owners_leg(context: Context, mint: str, net_raw: int) -> list[Leg]:
    for signer in context.signers:
        if context.balances.base.get(signer, {}).get(mint, 0) == net_raw:
            return [Leg(signer, mint, net_raw, None, None, ("no_quote_value",))]
    return [
        Leg(owner, mint, raw, None, None, ("no_quote_value", "not_signer"))
        for owner, changes in sorted(context.balances.base.items())
        if owner
        and owner not in context.signers
        and (raw := changes.get(mint, 0)) * net_raw > 0
        and FILLED_MIN_PER_CENT * abs(net_raw) <= 100 * abs(raw) <= 100 * abs(net_raw)
        and is_wallet(owner)
    ][:1]


def _flows(said: Statements) -> Sequence[dict[str, Flow]]:
    """By program that stated them, since a router repeats what the pools say."""
    programs: dict[str, dict[str, Flow]] = {}
    for trade in said.trades:
        flows = programs.setdefault(trade.venue, {})
        if trade.mint_in is not None:
            flow = flows.get(trade.mint_in, Flow(0, 0))
            flows[trade.mint_in] = flow._replace(given_raw=flow.given_raw + trade.amount_in_raw)
        if trade.mint_out is not None:
            flow = flows.get(trade.mint_out, Flow(0, 0))
            flows[trade.mint_out] = flow._replace(got_raw=flow.got_raw + trade.amount_out_raw)
    return list(programs.values())
