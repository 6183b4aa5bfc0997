"""What an alert says, all of it a function of the stream and the configuration."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from pw_common.alerts import (
    EVIDENCE_MAX,
    TOP_BUYERS,
    Alert,
    Buyer,
    Condition,
    NearRule,
)
from pw_detection.episodes import Ring
from pw_detection.lists import Lists
from pw_detection.market import Market, Token
from pw_detection.metrics import as_float, read_all
from pw_detection.prices import LAMPORTS_PER_SOL

SHORT: Final = 8


def alert_of(
    market: Market,
    token: Token,
    lists: Lists,
    ring: Ring,
    *,
    trigger: str,
    conditions: tuple[Condition, ...],
    near: tuple[NearRule, ...],
    slot: int,
    event_time_ms: int,
    detail: str,
) -> Alert:
    """The alert of a ring, with everything that was true at the slot."""
    values, unknown = read_all(market, token)
    facts = market.facts.get(token.mint)
    return Alert(
        id=ring.id,
        episode=ring.episode,
        n=ring.n,
        kind=ring.kind,
        trigger=trigger,
        severity=ring.severity,
        slot=slot,
        opened_slot=ring.opened_slot,
        event_time_ms=event_time_ms,
        mint=token.mint,
        title=_title(ring, trigger, facts.symbol if facts else "", token.mint),
        detail=detail,
        conditions=conditions,
        metrics=values,
        unknown=unknown,
        top_buyers=_top_buyers(token, lists),
        evidence=tuple(token.evidence(EVIDENCE_MAX)),
        price_sol=values["price_sol"],
        market_cap_sol=values["market_cap_sol"],
        supply_raw=facts.supply_raw if facts else None,
        decimals=token.decimals,
        name=facts.name if facts else None,
        symbol=facts.symbol if facts else None,
        creator=facts.creator if facts else None,
        venues=token.venues,
        labels=_labels(market, token, lists),
        links={
            "solscan": f"https://solscan.io/token/{token.mint}",
            "birdeye": f"https://birdeye.so/token/{token.mint}?chain=solana",
            "dexscreener": f"https://dexscreener.com/solana/{token.mint}",
        },
        near=near,
    )


def facts_of(market: Market, mint: str) -> dict[str, Any]:
    """A token for pages: facts and every metric, null where unknown."""
    token = market.tokens.get(mint)
    facts = market.facts.get(mint)
    told: dict[str, Any] = {
        "name": facts.name if facts else None,
        "symbol": facts.symbol if facts else None,
        "creator": facts.creator if facts else None,
        "venues": token.venues if token else (),
        "last_trade_ms": token.last_trade_ms if token else None,
    }
    if token is None:
        return {**told, "metrics": {}, "unknown": {}}
    values, unknown = read_all(market, token)
    return {**told, "metrics": values, "unknown": unknown}


def _title(ring: Ring, trigger: str, symbol: str, mint: str) -> str:
    what = {"opened": "", "escalated": " grows", "closed": " ended"}.get(ring.kind, "")
    return f"{symbol or mint[:SHORT]}: {trigger.replace('_', ' ')}{what}"


def _top_buyers(token: Token, lists: Lists) -> tuple[Buyer, ...]:
    whole = token.five.buy_lamports
    labels = lists.labels["wallet"]
    return tuple(
        Buyer(
            trader=trader,
            buys=bought.buys,
            volume_sol=as_float(Fraction(bought.lamports, LAMPORTS_PER_SOL)) or 0.0,
            share=(as_float(Fraction(bought.lamports, whole)) or 0.0) if whole else 0.0,
            labels=(labels[trader],) if trader in labels else (),
        )
        for trader, bought in token.top_buyers(TOP_BUYERS)
    )


def _labels(market: Market, token: Token, lists: Lists) -> tuple[str, ...]:
    facts = market.facts.get(token.mint)
    found = [lists.labels["token"].get(token.mint)]
    found.append(lists.labels["creator"].get(facts.creator) if facts else None)
    return tuple(label for label in found if label)
