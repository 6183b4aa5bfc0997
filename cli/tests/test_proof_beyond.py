"""A field of a proven alert is given by the blocks, or it is known why it may be another."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pw_cli.audit.proof.proof_beyond import BEYOND, LABELS, RESTS_ON, apart, not_derived, refused
from pw_cli.audit.proof.proof_reach import Reach
from pw_common.wire.alerts import Alert, Buyer, NearRule
from pw_detection.alerts.alerting import gap_words

FIVE = Reach(back_ms=430_000, windows=frozenset({"5m"}))
CREATED = Reach(back_ms=430_000, windows=frozenset({"5m", "1h"}), wallets=frozenset(), created=True)
AGAIN = Alert(
    id="a",
    episode="e",
    n=0,
    kind="opened",
    trigger="much",
    severity="warning",
    slot=9,
    opened_slot=9,
    event_time_ms=9_000,
    mint="M",
    title="M: much",
    metrics={"buy_count_5m": 20.0, "buy_count_1h": 20.0, "new_wallet_pct_5m": None, "supply": None},
    unknown={"buy_count_1h": "cold", "new_wallet_pct_5m": "cold", "supply": "no_supply"},
    top_buyers=(Buyer(trader="T", buys=1, volume_sol=1.0, share=1.0),),
    price_sol=0.5,
    decimals=6,
    venues=("Raydium",),
)


def stored(**changes: Any) -> Alert:
    return msgspec.structs.replace(AGAIN, **changes)


def metrics(**changes: float | None) -> dict[str, float | None]:
    return {**AGAIN.metrics, **changes}


def test_every_field_of_an_alert_is_judged_by_one_rule() -> None:
    assert {*RESTS_ON} | BEYOND.keys() == {*Alert.__struct_fields__}
    assert not {*RESTS_ON} & BEYOND.keys()
    assert LABELS not in BEYOND


@pytest.mark.parametrize(
    ("changes", "reach", "wrong"),
    [
        ({"detail": "Buy now."}, FIVE, "detail"),
        ({"detail": "Buy now.", "gapped": ("1h",)}, FIVE, "detail"),
        ({"metrics": metrics(buy_count_5m=900.0)}, FIVE, "metrics (buy_count_5m)"),
        ({"metrics": metrics(buy_count_1h=9.0), "unknown": {}}, CREATED, "metrics (buy_count_1h)"),
        ({"metrics": metrics(made_up_1h=1.0)}, FIVE, "metrics (made_up_1h)"),
        ({"unknown": {"buy_count_5m": "no_trades"}}, FIVE, "unknown (buy_count_5m)"),
        ({"creator": "somebody"}, CREATED, "creator"),
        ({"symbol": "OTHER"}, CREATED, "symbol"),
        ({"supply_raw": 5}, CREATED, "supply_raw"),
        ({"market_cap_sol": 5.0}, CREATED, "market_cap_sol"),
        ({"price_sol": 9.0}, FIVE, "price_sol"),
        ({"decimals": 9}, FIVE, "decimals"),
        ({"venues": ("Elsewhere",)}, CREATED, "venues"),
        ({"links": {"x": "https://elsewhere"}}, FIVE, "links"),
        ({"evidence": ("made up",), "truncated": ("evidence",)}, FIVE, "evidence"),
        ({"top_buyers": ()}, FIVE, "top_buyers"),
    ],
)
def test_what_the_blocks_give_is_wrong_where_it_differs(
    changes: dict[str, Any], reach: Reach, wrong: str
) -> None:
    assert wrong in apart(stored(**changes), AGAIN, reach)[0]


@pytest.mark.parametrize(
    ("changes", "reach", "said"),
    [
        ({"near": (NearRule(trigger="other", fell_short_by=("x",)),)}, FIVE, ("near",)),
        ({"labels": ("mine",)}, FIVE, ("labels",)),
        ({"gapped": ("1h",), "detail": gap_words(("1h",))}, FIVE, ("detail", "gapped")),
        ({"metrics": metrics(buy_count_1h=900.0)}, FIVE, ("metrics (buy_count_1h)",)),
        ({"metrics": metrics(new_wallet_pct_5m=0.5)}, CREATED, ("metrics (new_wallet_pct_5m)",)),
        ({"metrics": metrics(supply=5.0)}, FIVE, ("metrics (supply)",)),
        ({"metrics": metrics(buy_count_5m=9.0)}, Reach(), ("metrics (buy_count_5m)",)),
        ({"creator": "somebody", "title": "S: much"}, FIVE, ("title", "creator")),
        ({"price_sol": 9.0}, Reach(), ("price_sol",)),
        ({"venues": ("Elsewhere",)}, FIVE, ("venues",)),
        ({"links": {}, "truncated": ("links",), "detail": "Too large"}, FIVE,
         ("detail", "links", "truncated")),
    ],
)  # fmt: skip
def test_what_rests_on_more_may_differ_and_is_named(
    changes: dict[str, Any], reach: Reach, said: tuple[str, ...]
) -> None:
    one = stored(**changes)
    if "links" in changes:
        again = msgspec.structs.replace(AGAIN, links={"x": "https://x"})
    else:
        again = AGAIN
    wrong, beyond = apart(one, again, reach)
    assert wrong == []
    assert sorted(not_derived(one, again, beyond)) == sorted(said)


def test_labels_of_buyers_are_named_as_not_derived() -> None:
    one = stored(top_buyers=(msgspec.structs.replace(AGAIN.top_buyers[0], labels=("mine",)),))
    assert apart(one, AGAIN, FIVE) == ([], [])
    assert not_derived(one, AGAIN, []) == (LABELS,)


def test_a_stream_that_saw_less_than_the_blocks_claims_less() -> None:
    # Its filter brought neither the token's creation nor the whole hour.
    again = msgspec.structs.replace(AGAIN, creator="C", symbol="S", title="S: much")
    one = stored(metrics=metrics(buy_count_1h=7.0))
    assert apart(one, again, CREATED)[0] == []


def test_only_what_can_be_beyond_may_be_said_to_be() -> None:
    assert refused(["near", "metrics", "creator", "detail"]) == []
    assert refused(["near", "evidence", "id", "made up"]) == ["evidence", "id", "made up"]
