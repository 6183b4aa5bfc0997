"""`pw up --rpc`: what it asks of ingest, and what is refused before anything starts."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from pw_cli.up.options.arguments import BadUsage, UpOptions, add_arguments, options
from pw_cli.up.options.checks import check
from pw_cli.up.options.plan import Ports, every_spec, ingest_spec

PORTS = Ports(1, 1, 1, (1,), 1, (1,), 1)
NODE = "https://node.example/?api-key=0123456789abcdef"
NATS = "nats://127.0.0.1:4222"


def parsed(*words: str) -> UpOptions:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return options(parser.parse_args(words))


def refused(*words: str, **environ: str) -> str:
    with pytest.raises(BadUsage) as found:
        check(parsed(*words), environ)
    return str(found.value)


def test_a_node_is_the_source_and_nothing_is_played(tmp_path: Path) -> None:
    header = tmp_path / "header"
    header.write_text("x-token: SECRET")
    chosen = parsed(
        *("--rpc", NODE, "--rpc-rate", "5", "--rpc-daily", "33000"),
        *("--rpc-header-file", str(header)),
    )
    check(chosen, {})
    env = ingest_spec(chosen, NATS, PORTS).env
    assert env["PW_INGEST_RPC_URL"] == NODE
    assert env["PW_INGEST_ENDPOINT"] == ""
    assert env["PW_INGEST_SOURCE_KIND"] == "live"
    assert (env["PW_INGEST_RPC_RATE"], env["PW_INGEST_RPC_DAILY"]) == ("5", "33000")
    assert env["PW_INGEST_RPC_HEADER_FILE"] == str(header)
    specs = every_spec(chosen, NATS, PORTS, tmp_path)
    assert "replay" not in {one.service for one in specs}


def test_without_a_flag_ingest_decides() -> None:
    env = ingest_spec(parsed("--rpc", NODE), NATS, PORTS).env
    assert not {"PW_INGEST_RPC_RATE", "PW_INGEST_RPC_DAILY", "PW_INGEST_RPC_HEADER_FILE"} & set(env)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--rpc", NODE, "--endpoint", "http://127.0.0.1:1"), "--endpoint and --rpc are two"),
        (("--rpc-rate", "5"), "--rpc-rate belongs to --rpc"),
        (("--rpc-daily", "5"), "--rpc-daily belongs to --rpc"),
        (("--rpc-header-file", "/etc/hostname"), "--rpc-header-file belongs to --rpc"),
        (("--rpc", NODE, "--once"), "--once cannot end"),
        (("--rpc", NODE, "--rate", "max"), "--rate cannot change"),
        (("--rpc", NODE, "--faults", "drop=1"), "--faults is for the played source"),
    ],
)
def test_flags_that_do_not_go_together_are_named(words: tuple[str, ...], why: str) -> None:
    with pytest.raises(BadUsage, match=why):
        parsed(*words)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--rpc", "node.example"), "--rpc"),
        (("--rpc", f"{NODE},{NODE}"), "--rpc"),
        (("--rpc", NODE, "--rpc-rate", "0"), "--rpc-rate"),
        (("--rpc", NODE, "--rpc-rate", "nan"), "--rpc-rate"),
        (("--rpc", NODE, "--rpc-daily", "-1"), "--rpc-daily"),
        (("--rpc", NODE, "--rpc-header-file", "/nowhere"), "--rpc-header-file"),
        (("--rpc", NODE.replace("https", "http")), "--x-token-in-clear"),
    ],
)
def test_a_wrong_value_is_named_by_its_flag_and_no_key_is_shown(
    words: tuple[str, ...], why: str
) -> None:
    found = refused(*words)
    assert why in found
    assert "0123456789abcdef" not in found
    assert "PW_INGEST_RPC" not in found


def test_a_variable_that_would_change_the_source_is_refused() -> None:
    assert "PW_INGEST_RPC_URL is set" in refused("--rpc", NODE, PW_INGEST_RPC_URL=NODE)
    found = refused(PW_INGEST_RPC_URL=NODE)
    assert "say it with --rpc" in found
    assert "0123456789abcdef" not in found


def test_processed_is_refused_by_its_variable() -> None:
    assert "PW_INGEST_COMMITMENT" in refused("--rpc", NODE, PW_INGEST_COMMITMENT="processed")
