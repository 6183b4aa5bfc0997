from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest

from pw_cli.up.options.arguments import BadUsage, UpOptions, add_arguments, options
from pw_cli.up.options.plan import Ports, ingest_spec, provision_spec, replay_spec

PORTS = Ports(replay=1, replay_http=2, ingest_http=3, parser_http=(4, 5), api=6)


def chosen(*words: str) -> UpOptions:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return options(parser.parse_args(list(words)))


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "a.pb"
    path.write_bytes(b"")
    return path


def test_every_contradiction_is_named_at_once(capture: Path) -> None:
    with pytest.raises(BadUsage) as error:
        chosen("--capture", str(capture), "--endpoint", "http://x:1", "--rate", "fast", "--once")
    text = str(error.value)
    assert "two sources" in text
    assert "--rate fast" in text
    assert "--once cannot end" in text


def test_a_missing_capture_or_token_is_named() -> None:
    with pytest.raises(BadUsage, match=r"no such capture: nowhere\.pb"):
        chosen("--capture", "nowhere.pb")
    with pytest.raises(BadUsage, match="no such file: /nowhere"):
        chosen("--endpoint", "http://x:1", "--x-token-file", "/nowhere")
    # What is not a path may be the token itself.
    with pytest.raises(BadUsage, match=r"no such file: \*\*\*"):
        chosen("--endpoint", "http://x:1", "--x-token-file", "S3cretS3cret")


def test_a_loop_never_drains() -> None:
    with pytest.raises(BadUsage, match="a loop never drains"):
        chosen("--exit-when-drained")


@pytest.mark.parametrize("count", ["0", "17"])
def test_parsers_are_bounded(count: str) -> None:
    with pytest.raises(BadUsage, match="1 to 16"):
        chosen("--parsers", count)


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_is_one_that_can_be_bound(port: str) -> None:
    with pytest.raises(BadUsage, match="0 to 65535"):
        chosen("--port", port)


def test_captures_are_taken_whole_unless_narrowed(capture: Path) -> None:
    whole = ingest_spec(chosen("--capture", str(capture)), "nats://b:1", PORTS)
    narrow = ingest_spec(
        chosen("--capture", str(capture), "--programs", "all-non-vote"), "nats://b:1", PORTS
    )
    assert whole.env["PW_INGEST_PROGRAMS"] == "all"
    assert narrow.env["PW_INGEST_PROGRAMS"] == "all-non-vote"


def test_an_endpoint_gets_the_packaged_programs_and_its_token(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret")
    spec = ingest_spec(
        chosen("--endpoint", "https://host:443", "--x-token-file", str(token)), "nats://b:1", PORTS
    )
    assert spec.env["PW_INGEST_ENDPOINT"] == "https://host:443"
    assert spec.env["PW_INGEST_TOKEN_FILE"] == str(token.resolve())
    assert "PW_INGEST_PROGRAMS" not in spec.env
    assert "secret" not in str(spec)


def test_the_market_is_generated_at_the_rate_it_is_played_at() -> None:
    spec = replay_spec(chosen("--rate", "750", "--seed", "9"), PORTS, Path("sent"))
    assert spec.env["PW_REPLAY_MARKET_TPS"] == spec.env["PW_REPLAY_RATE"] == "750"
    assert spec.env["PW_REPLAY_MARKET_SEED"] == "9"
    fastest = replay_spec(chosen("--rate", "max", "--once"), PORTS, Path("sent"))
    assert fastest.env["PW_REPLAY_RATE"] == "max"
    assert float(fastest.env["PW_REPLAY_MARKET_TPS"]) > 0
    assert fastest.env["PW_REPLAY_LOOP"] == "false"


def test_captures_travel_as_one_variable(tmp_path: Path) -> None:
    paths = [tmp_path / "a.pb", tmp_path / "b.pb"]
    for path in paths:
        path.write_bytes(b"")
    spec = replay_spec(chosen("--capture", *map(str, paths)), PORTS, Path("sent"))
    assert spec.env["PW_REPLAY_CAPTURES"].split(os.pathsep) == [str(p.resolve()) for p in paths]


def test_a_limit_of_the_queue_reaches_provision() -> None:
    spec = provision_spec(chosen("--tx-bytes-max", "2000000"), "nats://b:1")
    assert spec.env["PW_TX_BYTES_MAX"] == "2000000"
