"""Real transactions: the figures that the scorer gives must not get worse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pw_common.wire.messages import Swap, encode
from pw_geyser import geyser_pb2
from pw_parser.core.parse import parse

# The expectations name venues in their decoders' words; aggregators are left out there.
VENUE_ALIASES = {
    "RaydiumV4": "raydium_v4",
    "raydium_liquidity_pool_v4": "raydium_v4",
    "RaydiumCL": "raydium_clmm",
    "RaydiumCPMM": "raydium_cpmm",
    "Pumpswap": "pumpswap",
    "Pumpfun": "pumpfun",
    "pumpfun": "pumpfun",
    "Orca": "orca_whirlpool",
    "Heaven": "heaven",
    "Phoenix": "phoenix",
    "MeteoraDamm": "meteora_damm_v1",
    "MeteoraDammV2": "meteora_damm_v2",
    "MeteoraDLMM": "meteora_dlmm",
    "ZeroFi": "zerofi",
}


@pytest.fixture(scope="module")
def swaps(real_updates: list[bytes]) -> list[Swap]:
    return [event for u in real_updates for event in parse(u).events if isinstance(event, Swap)]


@pytest.mark.corpus
def test_real_trades_are_right_and_nothing_is_invented(
    corpus_dir: Path, swaps: list[Swap], tmp_path: Path
) -> None:
    scorer = corpus_dir.parent / "tools" / "score_swaps.py"
    if not scorer.is_file():
        pytest.skip(f"NO SCORER at {scorer}")
    found = tmp_path / "swaps.jsonl"
    found.write_bytes(b"".join(encode(swap) + b"\n" for swap in swaps))
    scored = subprocess.run(
        [sys.executable, scorer, corpus_dir / "expected.jsonl", found, "--show", "20"],
        capture_output=True,
        text=True,
        check=True,
    )
    figures = json.loads(scored.stdout.splitlines()[-1])
    assert figures["trades"] >= 200
    assert figures["right_pct"] >= 99.5, scored.stdout
    assert figures["base_exact_pct"] >= 99.5, scored.stdout
    assert figures["quote_close_pct"] >= 99, scored.stdout
    assert figures["false_sure"] == 0, scored.stdout
    assert figures["false_weak"] <= 2, scored.stdout
    assert figures["extra"] <= 5, scored.stdout


@pytest.mark.corpus
def test_the_venue_is_the_amm_and_not_the_router(corpus_dir: Path, swaps: list[Swap]) -> None:
    venues = {swap.signature: swap.venues for swap in swaps}
    lines = (corpus_dir / "expected.jsonl").read_text().splitlines()
    named = [
        (want["signature"], VENUE_ALIASES[want["venue"]])
        for want in map(json.loads, lines)
        if want["expect"] == "trade" and want["venue"] in VENUE_ALIASES
    ]
    right = sum(venue in venues.get(signature, ()) for signature, venue in named)
    assert len(named) > 150
    assert right >= 0.95 * len(named)


@pytest.mark.corpus
def test_the_order_of_the_balances_does_not_matter(real_updates: list[bytes]) -> None:
    for raw in real_updates:
        update = geyser_pb2.SubscribeUpdate.FromString(raw)
        meta = update.transaction.transaction.meta
        if not meta.post_token_balances or meta.HasField("err"):
            continue
        for rows in (meta.pre_token_balances, meta.post_token_balances):
            turned = list(reversed(rows))
            del rows[:]
            rows.extend(turned)
        assert parse(update.SerializeToString()).events == parse(raw).events


@pytest.mark.corpus
def test_every_amount_is_a_change_of_balances(real_updates: list[bytes]) -> None:
    for raw in real_updates:
        swaps = [event for event in parse(raw).events if isinstance(event, Swap)]
        if not swaps:
            continue
        meta = geyser_pb2.SubscribeUpdate.FromString(raw).transaction.transaction.meta
        for swap in swaps:
            change = 0
            for sign, rows in ((-1, meta.pre_token_balances), (1, meta.post_token_balances)):
                change += sign * sum(
                    int(row.ui_token_amount.amount)
                    for row in rows
                    if (row.owner, row.mint) == (swap.trader, swap.mint)
                )
            assert change == swap.base_amount_raw * (1 if swap.side == "buy" else -1)


@pytest.mark.corpus
def test_the_accuracy_page_is_what_the_command_makes(corpus_dir: Path) -> None:
    root = Path(__file__).parents[3]
    page = root / "docs" / "accuracy.md"
    if not page.is_file():
        pytest.skip("NO docs/accuracy.md: this package is tested on its own")
    made = subprocess.run(
        [sys.executable, root / "tools" / "gen_accuracy.py", "--check"],
        env={**os.environ, "PW_CORPUS_DIR": str(corpus_dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
