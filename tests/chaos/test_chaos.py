"""Nothing lost, nothing doubled; and the harness that says so finds what is planted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from chaos.__main__ import compare, write_market
from chaos.expected import expected
from chaos.outcome import Outcome
from chaos.plan import KINDS, plan
from chaos.planted import PLANTS
from chaos.run import run
from chaos.verdict import judge
from pw_common.topology.streams import MIB

# A fault of these kinds takes some seconds more than others.
PLANTED_SPACING_S = 6.5
# `make chaos` strikes three times with each kind.
TESTED_EACH = 2
# A machine that is busy besides must not fall behind for good: `make chaos` plays 1,100 a second.
TESTED_TPS = 700
# What a detector's state depends on; its limit lets it hold some ten minutes of the market.
AT_THE_LIMIT = ("kill detector", "detector frozen", "kill parser", "source drops")
LIMIT_MIB = 102
# Where exactly a kill lands is luck: a defect that one run leaves in peace, the next one meets.
SEEDS = (3, 4, 5)


@pytest.mark.timeout(1800)
async def test_faults_of_every_kind_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    kinds = plan(1, TESTED_EACH * len(KINDS))
    verdict, outcome = await compare(tmp_path, seed=1, kinds=kinds, tps=TESTED_TPS, quiet=True)
    told = "\n".join(verdict.lines)
    print(told)
    assert verdict.is_clean, told
    landed = Counter(kind for kind, _ in outcome.landed)
    assert set(landed) == set(KINDS)
    assert min(landed.values()) >= TESTED_EACH
    # Each found work pending, and says what.
    assert all(pending for _, pending in outcome.landed)
    assert verdict.figures["alerts"] >= 50
    assert verdict.figures["tx_per_s"] >= TESTED_TPS / 2


@pytest.mark.timeout(1200)
async def test_detectors_at_their_memory_limit_lose_nothing_and_double_nothing(
    tmp_path: Path,
) -> None:
    kinds = plan(1, 4 * len(AT_THE_LIMIT), AT_THE_LIMIT)
    verdict, outcome = await compare(
        tmp_path, seed=1, kinds=kinds, detector_bytes=LIMIT_MIB * MIB, quiet=True
    )
    told = "\n".join(verdict.lines)
    print(told)
    assert verdict.is_clean, told
    assert outcome.cuts >= 2, told
    assert verdict.figures["alerts"] >= 10


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("planted") / "market.pb.zst"
    return write_market(path, seed=2, faults=3, spacing_s=PLANTED_SPACING_S)


@pytest.fixture(scope="module")
def wanted(market: Path) -> Outcome:
    return expected(market)


async def test_an_undisturbed_run_gives_what_the_cores_make_of_the_market(
    market: Path, wanted: Outcome, tmp_path: Path
) -> None:
    verdict = judge(wanted, await run(tmp_path / "undisturbed", market, faults=[]))
    assert verdict.is_clean, verdict.lines


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", sorted(PLANTS))
async def test_a_planted_defect_turns_the_run_red(
    name: str, market: Path, wanted: Outcome, tmp_path: Path
) -> None:
    plant = PLANTS[name]
    told: list[str] = []
    for seed in SEEDS:
        folder = tmp_path / str(seed)
        outcome = await run(
            folder, market, faults=plant.faults, seed=seed, plant=(name, plant.module)
        )
        verdict = judge(wanted, outcome)
        assert not outcome.crashes
        if not verdict.is_clean and plant.shows(verdict.figures):
            return
        told += verdict.lines
    pytest.fail("\n".join(told))
