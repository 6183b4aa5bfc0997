"""Bounds of rules, lists and alerts: each can be reached, and what is beyond is refused or cut."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pw_common.documents.channels import CHANNELS_BYTES_MAX
from pw_common.documents.document import BadDocument
from pw_common.topology.streams import declare
from pw_common.topology.subjects import BUCKET_CONFIG
from pw_common.wire.alerts import Alert, Buyer, Condition, NearRule, decode_alert
from pw_common.wire.limits import BROKER_PAYLOAD_BYTES_MAX
from pw_common.wire.messages import encode
from pw_detection.alerts.alerting import ALERT_BYTES_MAX, fitted
from pw_detection.rules.lists import (
    LABEL_CHARACTERS_MAX,
    MUTES_BYTES_MAX,
    MUTES_MAX,
    WATCHED_MAX,
    WATCHLISTS_BYTES_MAX,
    BadList,
    read_csv,
    read_mutes,
    read_watchlists,
    stored_mutes,
    stored_watchlists,
)
from pw_detection.rules.rules import (
    BYTES_MAX,
    CONDITIONS_MAX,
    RULES_MAX,
    BadRules,
    read_rules,
    rules_of,
    stored_rules,
)

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
ADDRESS = "So11111111111111111111111111111111111111112"


def addresses(count: int) -> list[str]:
    signs = ALPHABET[9:]
    return ["M" * 40 + signs[n // 2401] + signs[n // 49 % 49] + signs[n % 49] for n in range(count)]


def watched(count: int, label: str = "l" * LABEL_CHARACTERS_MAX) -> list[dict[str, Any]]:
    return [{"address": one, "of": "creator", "label": label} for one in addresses(count)]


def test_as_many_entries_as_are_allowed_fit_with_their_labels() -> None:
    lists = read_watchlists(watched(WATCHED_MAX))
    body = encode(lists)
    assert len(body) <= WATCHLISTS_BYTES_MAX < BROKER_PAYLOAD_BYTES_MAX
    assert stored_watchlists(body) == lists
    muted = [
        {"address": one, "of": "token", "reason": "r" * LABEL_CHARACTERS_MAX, "until_ms": 2**53}
        for one in addresses(MUTES_MAX)
    ]
    mutes = read_mutes(muted)
    assert len(encode(mutes)) <= MUTES_BYTES_MAX
    assert stored_mutes(encode(mutes)) == mutes
    with pytest.raises(BadList, match=f"entries: {WATCHED_MAX + 1}; allowed: at most"):
        read_watchlists(watched(WATCHED_MAX + 1))
    rows = "\n".join(addresses(WATCHED_MAX + 1))
    with pytest.raises(BadList, match="allowed: at most"):
        read_csv(rows)


def test_the_whole_history_of_every_document_fits_into_its_bucket() -> None:
    (bucket,) = (one for one in declare().buckets if one.name == BUCKET_CONFIG)
    documents = (WATCHLISTS_BYTES_MAX, MUTES_BYTES_MAX, BYTES_MAX, CHANNELS_BYTES_MAX)
    assert bucket.history * sum(documents) < bucket.max_bytes


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        ({"address": "x"}, "entries[1].address"),
        ({"address": "1" * 33}, "entries[1].address"),
        ({"address": ADDRESS, "label": "l" * 65}, "entries[1].label"),
        ({"address": ADDRESS, "label": "a\nb"}, "entries[1].label"),
        ({"address": ADDRESS, "label": "a\u202eb"}, "entries[1].label"),
        ({"address": ADDRESS, "label": 5}, "entries[1].label"),
        ({"address": ADDRESS, "of": "house"}, "entries[1].of"),
        ({"address": ADDRESS, "lable": "x"}, "entries[1].'lable'"),
        ({"label": "x"}, "entries[1]"),
        (5, "entries[1]"),
        ({"address": addresses(1)[0], "of": "creator"}, "entries[1].address"),
    ],
)
def test_a_bad_entry_is_named_by_its_path(entry: Any, where: str) -> None:
    with pytest.raises(BadList) as caught:
        read_watchlists([*watched(1), entry])
    assert caught.value.errors[0].startswith(f"{where}:")


@pytest.mark.parametrize("text", ["a\x00b\n", '"' + "x" * 200_000, "x" * 1_000_001, "\r\n\r"])
def test_csv_that_is_none_is_refused(text: str) -> None:
    if text.strip():
        with pytest.raises(BadList):
            read_csv(text)
    else:
        assert read_csv(text) == ()


def rules(count: int, **more: Any) -> list[dict[str, Any]]:
    conditions = ["buy_count_5m >= 3"] * CONDITIONS_MAX
    return [{"name": f"rule_{n}", "conditions": conditions, **more} for n in range(count)]


def test_as_many_rules_as_are_allowed_can_be_stored_and_read_again() -> None:
    found = rules_of(rules(RULES_MAX))
    body = msgspec.json.encode({"rules": found})
    assert len(body) <= BYTES_MAX
    assert stored_rules(body) == found
    with pytest.raises(BadRules, match="201 rules"):
        rules_of(rules(RULES_MAX + 1))


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        ({"name": "a", "conditions": ["x > 1"]}, "rules[0].conditions[0]: "),
        ({"name": "a", "conditions": ["buy_count_5m > 1"] * 21}, "rules[0].conditions: "),
        ({"name": "a\n", "conditions": ["buy_count_5m > 1"]}, "rules[0].name: "),
        ({"name": "a", "conditions": "buy_count_5m > 1"}, "rules[0].conditions: "),
        ({"name": "a", "conditions": ["buy_count_5m > " + "1" * 10_000]}, "rules[0].conditions[0]"),
        ({"name": "a", "conditions": ["buy_count_5m > ٣"]}, "rules[0].conditions[0]: "),
        ({"name": "a", "conditions": [], "description": "d" * 501}, "rules[0].conditions: "),
        ({"name": 5}, "rules[0].name: "),
        ("rule", "rules[0]: "),
    ],
)
def test_a_bad_rule_is_named_by_its_path(rule: Any, where: str) -> None:
    with pytest.raises(BadRules) as caught:
        rules_of([rule])
    assert caught.value.errors[0].startswith(where)


def test_many_errors_cost_no_more_than_a_few() -> None:
    bad = [{"name": f"n{n}", "conditions": [f"{'y' * 60}_{n} > 1"] * 20} for n in range(RULES_MAX)]
    with pytest.raises(BadRules) as caught:
        rules_of(bad)
    assert len(caught.value.errors) <= 51
    with pytest.raises(BadRules):
        read_rules(b'- {name: a, "' + b"z" * 200_000 + b'": 1}')


@pytest.mark.parametrize("body", [b"", b"\xff", b"[" * 100_000, b"{}", b'{"entries":5,"rules":5}'])
def test_what_is_stored_is_usable_or_refused(body: bytes) -> None:
    with pytest.raises(BadDocument):
        stored_rules(body)
    if body != b"{}":
        for read in (stored_watchlists, stored_mutes):
            with pytest.raises(BadDocument):
                read(body)


def huge(**more: Any) -> Alert:
    condition = Condition(text="t", metric="m", value=1.0, verdict="holds")
    fields: dict[str, Any] = {
        "id": "1" * 32, "episode": "e" * 32, "n": 0, "kind": "opened", "trigger": "t",
        "severity": "info", "slot": 5, "opened_slot": 5, "event_time_ms": 1, "mint": ADDRESS,
        "title": "T", "conditions": (condition,), "metrics": {"m": 1.0},
    }  # fmt: skip
    return Alert(**(fields | more))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("labels", ("L" * 1_048_300,)),
        ("name", "N" * 2_000_000),
        ("symbol", "😀" * 300_000),
        ("title", "T" * 1_000_000),
        (
            "top_buyers",
            (Buyer(trader="t", buys=1, volume_sol=1.0, share=1.0, labels=("L" * 1_048_300,)),),
        ),
        (
            "near",
            tuple(NearRule(trigger=f"r{n}", fell_short_by=("x" * 900,) * 20) for n in range(200)),
        ),
        ("evidence", ("s" * 90,) * 20_000),
        ("links", {f"l{n}": "x" * 1_000 for n in range(2_000)}),
        ("detail", "d" * 3_000_000),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
def test_an_alert_that_is_too_large_is_cut_and_says_what(field: str, value: Any) -> None:
    for bytes_max in (ALERT_BYTES_MAX, 4 * 1024):
        cut = fitted(huge(**{field: value}), bytes_max)
        body = encode(cut)
        assert len(body) <= bytes_max
        assert field in cut.truncated  # type: ignore[operator]
        assert f"{field}" in cut.detail
        assert decode_alert(body) == cut
        assert (cut.id, cut.mint, cut.trigger, cut.slot) == ("1" * 32, ADDRESS, "t", 5)


def test_an_alert_that_fits_is_not_touched_and_has_no_new_field() -> None:
    alert = huge(labels=("a friend",))
    assert fitted(alert, ALERT_BYTES_MAX) is alert
    assert b"truncated" not in encode(alert)
