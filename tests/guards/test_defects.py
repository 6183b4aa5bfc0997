"""What the predecessor got wrong, each beside the test that would have caught it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pw_geyser import geyser_pb2
from pw_ingest.core.sequencing.identity import read_update

ROOT = Path(__file__).parents[2]
MARKET = "libs/detection/tests/test_market.py"
DETECTOR = "libs/detection/tests/test_detector.py"
API = "tests/integration/api/test_api_alerts.py"
ALERTS = "tests/e2e/test_alerts.py"

CAUGHT_BY = {
    "1 every second trade belonged to the pool": (
        "services/parser/tests/test_swaps.py",
        "test_a_pump_buy_belongs_to_the_signer_and_never_to_the_curve",
    ),
    "2 what was consumed stayed in the queue and looked like a backlog": (
        "tests/integration/broker/test_worker.py",
        "test_every_input_is_answered_once_and_leaves_the_queue",
    ),
    "3 detection switched itself off under load": (
        ALERTS,
        "test_alerts_are_those_of_the_backtest_for_any_fleet",
    ),
    "4 every evaluation walked all keys": (
        DETECTOR,
        "test_evaluating_a_token_looks_at_no_other_token",
    ),
    "5 encoding addresses cost more than everything else": (
        "tests/guards/test_defects.py",
        "test_ingest_knows_a_transaction_by_its_raw_signature",
    ),
    "6 rules read what nobody wrote and could never fire": (
        DETECTOR,
        "test_every_shipped_rule_can_fire",
    ),
    "7 buy volume counted sells": (MARKET, "test_buy_volume_counts_buys_alone"),
    "8 windows were cut at the clock, an hour was fifteen minutes, unique a maximum": (
        MARKET,
        "test_unique_buyers_are_a_union_over_the_hour_and_an_hour_is_an_hour",
    ),
    "8 windows were cut at the clock": (
        MARKET,
        "test_five_minutes_slide_and_are_not_cut_at_the_clock",
    ),
    "9 trades fell into the window of their processing": (
        "libs/common/tests/test_assembly.py",
        "test_any_cut_gives_the_same_slots",
    ),
    "10 trades in dollars counted as nothing": (
        MARKET,
        "test_dollars_are_valued_by_the_stream_or_counted_as_unvalued",
    ),
    "14 apart from each other the processes gave no alerts": (
        ALERTS,
        "test_a_parser_and_the_detector_killed_in_mid_run_change_no_alert",
    ),
    "16 saved settings were never read, cooldown did nothing": (
        "tests/integration/detector/test_detector.py",
        "test_rules_from_the_bucket_hold_and_are_recorded_with_their_slot",
    ),
    "16 cooldown did nothing": (
        DETECTOR,
        "test_within_its_cooldown_a_rule_does_not_open_again_and_after_it_does",
    ),
    "16 a rule that was off rang": (DETECTOR, "test_a_rule_that_is_off_never_fires"),
    "17 metrics were those of another process": (
        "libs/common/tests/test_metrics.py",
        "test_every_declared_metric_is_shown_under_its_declared_name",
    ),
    "18 secrets were shown to anybody": (
        API,
        "test_channels_never_show_their_secrets_and_keep_them",
    ),
    "19 what was hot once never fired again": (
        DETECTOR,
        "test_hot_expires_and_a_token_that_was_cold_fires_again",
    ),
}


@pytest.mark.parametrize("defect", CAUGHT_BY, ids=lambda defect: defect.replace(" ", "-")[:40])
def test_each_defect_of_the_predecessor_has_its_test(defect: str) -> None:
    path, name = CAUGHT_BY[defect]
    source = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(rf"^(async )?def {name}\(", source, re.MULTILINE), f"{name} is not in {path}"


def test_ingest_knows_a_transaction_by_its_raw_signature() -> None:
    update = geyser_pb2.SubscribeUpdate()
    update.transaction.slot = 7
    update.transaction.transaction.signature = bytes(range(64))
    identity = read_update(update.SerializeToString()).identity
    assert (identity.slot, identity.key) == (7, bytes(range(64)))
    sources = (ROOT / "services" / "ingest" / "src").rglob("*.py")
    assert not any("import solders" in s.read_text() or "base58" in s.name for s in sources)
