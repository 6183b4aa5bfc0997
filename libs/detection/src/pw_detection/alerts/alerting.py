"""What an alert says, all of it a function of the stream and the configuration."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import msgspec

from pw_common.text.plain_text import plain_text
from pw_common.wire.alerts import (
    EVIDENCE_MAX,
    TOP_BUYERS,
    Alert,
    Buyer,
    Condition,
    NearRule,
)
from pw_common.wire.messages import encode
from pw_detection.alerts.episodes import Firing
from pw_detection.rules.lists import Lists
from pw_detection.state.market import Market, Token
from pw_detection.state.metrics import as_float, read_all
from pw_detection.state.prices import LAMPORTS_PER_SOL

SHORT: Final = 8
# Half of what the broker takes, so that headers never matter. A usual alert has 4 kB.
ALERT_BYTES_MAX: Final = 512 * 1024
TEXT_CHARACTERS_MAX: Final = 64
# In the order in which they are dropped until the rest fits: what explains least goes first.
CUT: Final = ("near", "evidence", "unknown", "metrics", "top_buyers", "links", "conditions")


def alert_of(
    market: Market,
    token: Token,
    lists: Lists,
    firing: Firing,
    *,
    rule: str,
    conditions: tuple[Condition, ...],
    near: tuple[NearRule, ...],
    slot: int,
    event_time_ms: int,
    detail: str,
) -> Alert:
    """The alert of a firing rule, with everything that was true at the slot."""
    values, unknown = read_all(market, token)
    facts = market.facts.get(token.mint)
    gapped = market.gapped(token.mint)
    alert = Alert(
        id=firing.id,
        episode=firing.episode,
        n=firing.n,
        kind=firing.kind,
        trigger=rule,
        severity=firing.severity,
        slot=slot,
        opened_slot=firing.opened_slot,
        event_time_ms=event_time_ms,
        mint=token.mint,
        title=_title(firing, rule, facts.symbol if facts else "", token.mint),
        detail=". ".join(filter(None, (detail, gap_words(gapped)))),
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
        gapped=gapped or msgspec.UNSET,
    )
    return fitted(alert, ALERT_BYTES_MAX)


def gap_words(gapped: tuple[str, ...]) -> str:
    """The note on windows in which blocks are missing."""
    if not gapped:
        return ""
    which = f"window of {gapped[0]}" if len(gapped) == 1 else f"windows of {' and '.join(gapped)}"
    return f"Blocks are missing in its {which}: figures are of what was seen."


def fitted(alert: Alert, bytes_max: int) -> Alert:
    """The alert itself, or cut until its body has at most `bytes_max`; it names what was cut.

    First long texts are shortened, then whole fields go. What is left is small whatever the
    chain or the configuration said, and still names token, rule and slot.
    """
    if len(encode(alert)) <= bytes_max:
        return alert
    alert, cut = _shortened(alert)
    for name in CUT:
        if len(encode(_said(alert, cut))) <= bytes_max:
            break
        if getattr(alert, name):
            alert = msgspec.structs.replace(alert, **{name: type(getattr(alert, name))()})
            cut.append(name)
    return _said(alert, cut)


def _said(alert: Alert, cut: list[str]) -> Alert:
    cut_note = f"Too large to store whole; cut: {', '.join(cut)}."
    detail = f"{alert.detail} {cut_note}" if alert.detail else cut_note
    return msgspec.structs.replace(alert, truncated=tuple(cut), detail=detail)


def _shortened(alert: Alert) -> tuple[Alert, list[str]]:
    changes: dict[str, Any] = {
        name: _short(getattr(alert, name))
        for name in ("title", "name", "symbol", "detail", "labels", "venues")
    }
    changes["top_buyers"] = tuple(
        msgspec.structs.replace(buyer, labels=_short(buyer.labels)) for buyer in alert.top_buyers
    )
    changed = {name: value for name, value in changes.items() if value != getattr(alert, name)}
    return msgspec.structs.replace(alert, **changed), sorted(changed)


def _short(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_short(one) for one in value[:TOP_BUYERS])
    if isinstance(value, str) and len(value) > TEXT_CHARACTERS_MAX:
        return f"{value[:TEXT_CHARACTERS_MAX]}…"
    return value


def facts_of(market: Market, mint: str) -> dict[str, Any]:
    """A token for pages: facts and every metric, null where unknown."""
    token = market.tokens.get(mint)
    facts = market.facts.get(mint)
    fields: dict[str, Any] = {
        "name": facts.name if facts else None,
        "symbol": facts.symbol if facts else None,
        "creator": facts.creator if facts else None,
        "venues": token.venues if token else (),
        "last_trade_ms": token.last_trade_ms if token else None,
    }
    if token is None:
        return {**fields, "metrics": {}, "unknown": {}}
    values, unknown = read_all(market, token)
    gapped = market.gapped(mint)
    if gapped:
        fields["gapped"] = gapped
    return {**fields, "metrics": values, "unknown": unknown}


def _title(firing: Firing, rule: str, symbol: str, mint: str) -> str:
    what = {"opened": "", "escalated": " grows", "closed": " ended"}.get(firing.kind, "")
    # The fields `name` and `symbol` keep what is on chain; a title is read by people.
    return f"{plain_text(symbol) or mint[:SHORT]}: {rule.replace('_', ' ')}{what}"


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
