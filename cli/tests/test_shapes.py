"""What each subscription brings is what whole blocks hold; the shipped limits follow from it."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from pw_cli.capacity import sizing
from pw_cli.capacity.past import kept
from pw_cli.capacity.shapes import MAINNET_TPS, PEAK, SHAPES, Shape, feeds, markdown, mean_tps
from pw_common.service.settings import declared_settings
from pw_common.topology.streams import GIB, declare
from pw_common.topology.subjects import STREAM_SWAP, STREAM_TX
from pw_common.wire.captures import read_capture
from pw_common.wire.coverage import BY_WIDTH, SUCCESSFUL
from pw_common.wire.envelope import TxHeaders, compress, tx_headers
from pw_common.wire.framing import join
from pw_common.wire.limits import (
    PARSER_LAG_TARGET,
    PARSER_REPLICAS_FALLBACK,
    PARSER_REPLICAS_MAX,
    TX_UPDATES_MAX,
)
from pw_common.wire.messages import Swap, encode
from pw_history.config import Settings
from pw_ingest.core.subscription.programs import read_programs, subscription
from pw_parser.core.batch import parse_message
from pw_replay.core.filters import Filter, compile_filter
from pw_replay.core.items import read_item

ROOT = Path(__file__).parents[2]
PACKAGED = read_programs(files("pw_ingest").joinpath("programs.yaml").read_text("utf-8"))


def filter_of(name: str) -> Filter:
    return compile_filter(subscription(mode=name, programs=PACKAGED, commitment="confirmed"))


def found_in(updates: list[bytes], name: str) -> list[bytes]:
    """What a server sends for a subscription."""
    wanted = filter_of(name)
    items = ((update, read_item(update)) for update in updates)
    return [update for update, item in items if item.kind == "tx" and wanted.names(item)]


def shape_of(blocks: list[list[bytes]], name: str, non_votes: int) -> Shape:
    transactions = raw = packed = batches = swaps = 0
    for block in blocks:
        found = found_in(block, name)
        transactions += len(found)
        raw += sum(map(len, found))
        for at in range(0, len(found), TX_UPDATES_MAX):
            part = found[at : at + TX_UPDATES_MAX]
            body = compress(join(part))
            headers = tx_headers(TxHeaders("tx:1", len(part), "main", 1, 0))
            batch = parse_message(headers, body, 1, "x").batch
            packed += len(body)
            batches += len(compress(encode(batch)))
            swaps += sum(isinstance(event, Swap) for event in batch.events)
    return Shape(
        transactions / non_votes,
        round(raw / transactions),
        round(packed / transactions),
        round(batches / transactions),
        swaps / transactions,
        "",
    )


@pytest.mark.corpus
def test_shares_and_bytes_of_each_subscription_are_those_of_whole_blocks(corpus_dir: Path) -> None:
    blocks = [list(read_capture(path)) for path in sorted(corpus_dir.glob("block-*.pb.gz"))]
    non_votes = sum(len(found_in(block, "all-non-vote")) for block in blocks)
    for name, constant in SHAPES.items():
        found = shape_of(blocks, name, non_votes)
        assert constant.share == pytest.approx(found.share, rel=0.1), name
        assert constant.raw_bytes == pytest.approx(found.raw_bytes, rel=0.05), name
        assert constant.zstd_bytes == pytest.approx(found.zstd_bytes, rel=0.05), name
        # A parser that finds more, or writes more of it, may make these grow.
        assert constant.batch_bytes == pytest.approx(found.batch_bytes, rel=0.3), name
        assert constant.swaps == pytest.approx(found.swaps, rel=0.3), name


@pytest.mark.corpus
def test_each_subscription_sees_all_successful_ones_that_a_narrower_one_sees(
    corpus_dir: Path,
) -> None:
    for path in sorted(corpus_dir.glob("block-*.pb.gz")):
        updates = list(read_capture(path))
        seen = [set(found_in(updates, name)) for name in BY_WIDTH]
        for wider, narrower in zip(seen, seen[1:], strict=False):
            assert narrower < wider


def test_every_subscription_has_a_shape() -> None:
    assert set(SHAPES) == set(BY_WIDTH)
    assert next(iter(SHAPES)) == SUCCESSFUL


def test_the_feeds_are_the_arithmetic_of_the_shapes() -> None:
    for one in feeds():
        shape = SHAPES[one.programs]
        bytes_s = MAINNET_TPS * shape.share * shape.raw_bytes
        assert one.mb_s == pytest.approx(bytes_s / 1e6, abs=0.05)
        assert one.tb_month == pytest.approx(bytes_s * 86_400 * 30 / 1e12, abs=0.05)


def test_the_readme_shows_the_feeds_as_they_are() -> None:
    assert markdown() in (ROOT / "README.md").read_text("utf-8")


def test_the_shipped_limits_hold_the_default_subscription_for_as_long_as_is_said() -> None:
    limits = {one.name: one.max_bytes for one in declare().streams}
    tx_bytes_s, swap_bytes_s = sizing.stored_bytes_s(mean_tps(SUCCESSFUL), SHAPES[SUCCESSFUL])
    held_hours = {
        STREAM_TX: limits[STREAM_TX] * sizing.FILL / tx_bytes_s / 3600,
        STREAM_SWAP: limits[STREAM_SWAP] * sizing.FILL / swap_bytes_s / 3600,
    }
    assert sizing.TX_HOURS_SHIPPED <= held_hours[STREAM_TX] < 2 * sizing.TX_HOURS_SHIPPED
    assert sizing.SWAP_HOURS_SHIPPED <= held_hours[STREAM_SWAP] < 2 * sizing.SWAP_HOURS_SHIPPED


def test_the_autoscalers_numbers_follow_from_the_default_subscription() -> None:
    mean = mean_tps(SUCCESSFUL)
    # What a parser works off in two seconds is less the fuller messages are.
    assert sizing.lag_target(PEAK * mean) <= PARSER_LAG_TARGET <= sizing.lag_target(mean)
    assert sizing.plan(PEAK * mean, 1).parsers <= PARSER_REPLICAS_FALLBACK
    everything = PEAK * mean_tps("all-non-vote")
    assert sizing.plan(everything, 1, "all-non-vote").parsers <= PARSER_REPLICAS_MAX


def test_the_shipped_volume_holds_what_history_keeps_of_mainnets_mean() -> None:
    found = re.search(r"storage: (\d+)Gi", (ROOT / "k8s/base/history.yaml").read_text())
    assert found is not None
    history_bytes = sizing.plan(None, sizing.TX_HOURS_SHIPPED).history_bytes
    assert history_bytes <= int(found[1]) * GIB < 2 * history_bytes


def test_the_plan_of_history_is_of_its_own_defaults() -> None:
    shipped = {one.env: one.default for one, _ in declared_settings(Settings)}
    for one in kept(1.0):
        name, _, value = one.setting.partition("=")
        assert shipped[name] == int(value)
