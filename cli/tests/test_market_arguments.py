"""Which market `pw up` plays and `pw simulate` writes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from pw_cli.commands.captures import simulate
from pw_cli.up.options.arguments import add_arguments, options
from pw_cli.up.options.plan import Ports, replay_spec
from pw_replay.market.presets import DEMO, DENSE, VARIED

PORTS = Ports(replay=1, replay_http=2, ingest_http=3, parser_http=(4, 5), api=6)


def played(*words: str) -> dict[str, str]:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return replay_spec(options(parser.parse_args(words)), PORTS, Path("sent")).env


def test_up_plays_the_demo_unless_it_is_asked_for_another_market() -> None:
    assert played()["PW_REPLAY_MARKET_PRESET"] == DEMO
    assert played("--preset", VARIED)["PW_REPLAY_MARKET_PRESET"] == VARIED
    env = played("--preset", DENSE, "--failures", "0.5")
    assert (env["PW_REPLAY_MARKET_PRESET"], env["PW_REPLAY_MARKET_FAILURES"]) == (DENSE, "0.5")


@pytest.mark.parametrize("share", ["0.1", "0.61", "many"])
def test_a_share_of_failures_that_no_chain_has_is_refused(share: str) -> None:
    with pytest.raises(SystemExit):
        played("--failures", share)


def test_simulate_writes_the_dense_market_unless_it_is_asked_for_the_varied_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digests = []
    for words in ((), ("--preset", DENSE), ("--preset", VARIED)):
        parser = argparse.ArgumentParser()
        simulate.add_arguments(parser)
        out = str(tmp_path / "m.pb.zst")
        args = parser.parse_args(
            [*words, "--minutes", "0.05", "--tps", "40", "--out", out, "--json"]
        )
        assert simulate.run(args) == 0
        digests.append(json.loads(capsys.readouterr().out)["sha256_raw"])
    assert digests[0] == digests[1] != digests[2]
