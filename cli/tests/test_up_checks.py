"""What cannot work is refused before anything starts, by the name that a person typed."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from pw_cli.up.options.arguments import BadUsage, UpOptions, add_arguments, options
from pw_cli.up.options.checks import FLAGS, SETTINGS, SHARED, check
from pw_cli.up.options.plan import Ports, every_spec
from pw_cli.up.processes.processes import Starter
from pw_common.service.settings import declared_settings

PORTS = Ports(1, 2, 3, (4,), 5, (6,), 7)


def chosen(*words: str) -> UpOptions:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return options(parser.parse_args(list(words)))


def refused(*words: str, **environ: str) -> str:
    with pytest.raises(BadUsage) as error:
        check(chosen(*words), environ)
    return str(error.value)


@pytest.mark.parametrize(
    "words",
    [
        ("--port", "99999"),
        ("--minutes", "0"),
        ("--minutes", "nan"),
        ("--rate", "0"),
        ("--rate", "1e9"),
        ("--faults", "foo"),
        ("--refuse", "foo"),
        ("--tx-bytes-max", "5"),
        ("--endpoint", "foo"),
        ("--endpoint", "ftp://h:1"),
        ("--endpoint", "http://h:0"),
        ("--timeout", "nan"),
        ("--parsers", "0"),
        ("--detectors", "9"),
        ("--programs", "none-of-these"),
        ("--report", "/nowhere/r.json"),
        ("--report", "/"),
        ("--capture", "/dev/zero"),
        ("--capture", "/etc/hostname"),
        ("--channels", "/dev/zero"),
    ],
)
def test_a_wrong_flag_is_named_and_no_variable_is(words: tuple[str, ...]) -> None:
    text = refused(*words)
    assert len(text.splitlines()) == 1
    assert text.startswith(words[0])
    assert not re.search(r"PW_", text)


def test_a_token_over_http_to_another_host_needs_its_flag(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a-token-of-tests")
    far = ("--endpoint", "http://yellowstone.example:80", "--x-token-file", str(token))
    text = refused(*far)
    assert "--x-token-in-clear" in text
    assert "a-token-of-tests" not in text
    check(chosen(*far, "--x-token-in-clear"), {})
    # On this machine nobody else reads it; by https nobody does either.
    for url in ("http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://h.example"):
        check(chosen("--endpoint", url, "--x-token-file", str(token)), {})


def test_an_empty_token_file_is_refused(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("\n")
    assert "is empty" in refused("--endpoint", "https://h.example", "--x-token-file", str(token))


def test_a_variable_that_the_run_must_set_is_refused_by_its_name() -> None:
    text = refused(PW_INGEST_ENDPOINT="http://h:1", PW_REPLAY_LOOP="true", PW_HTTP_LISTEN="h:1")
    assert "PW_INGEST_ENDPOINT is set" in text
    assert "--endpoint" in text
    assert "PW_REPLAY_LOOP is set" in text
    assert "PW_HTTP_LISTEN is set" in text
    # Set to nothing is not set.
    check(chosen(), {"PW_INGEST_ENDPOINT": ""})


def test_a_variable_that_a_flag_would_set_passes_without_the_flag() -> None:
    check(chosen("--endpoint", "https://h.example"), {"PW_INGEST_PROGRAMS": "all"})
    words = ("--endpoint", "https://h.example", "--programs", "successful")
    assert "PW_INGEST_PROGRAMS is set" in refused(*words, PW_INGEST_PROGRAMS="all")


def test_a_variable_that_passes_through_is_checked_by_its_own_name() -> None:
    assert "PW_INGEST_STALE_S='soon'" in refused(PW_INGEST_STALE_S="soon")
    assert "PW_API_CONNECTIONS_MAX='0'" in refused(PW_API_CONNECTIONS_MAX="0")


def test_every_variable_of_every_service_is_refused_or_reaches_it(tmp_path: Path) -> None:
    specs = every_spec(chosen(), "nats://b:1", PORTS, tmp_path)
    ours = {name for spec in specs for name in spec.env}
    assert ours - SHARED <= set(FLAGS)
    for spec in specs:
        declared = {one.env for one, _ in declared_settings(SETTINGS[spec.service])}
        assert set(spec.env) <= declared


def test_a_service_gets_the_environment_and_what_the_run_sets_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PW_LOG_LEVEL", "info")
    monkeypatch.setenv("PW_SHUTDOWN_TIMEOUT_S", "7")
    monkeypatch.setenv("PW_NATS_URL", "nats://elsewhere:1")
    spec = next(
        one for one in every_spec(chosen(), "nats://b:1", PORTS, tmp_path) if one.name == "parser-1"
    )
    seen = tmp_path / "environ"
    # In the place of the service: a module that writes down what it was given.
    (tmp_path / "pw_written.py").write_text(
        f"import os, pathlib\npathlib.Path({str(seen)!r}).write_text(repr(dict(os.environ)))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    child = Starter().start(type(spec)("x", "parser", "pw_written", spec.env))
    assert child.process.wait(30) == 0
    found = eval(seen.read_text())  # noqa: S307 - written just above
    assert found["PW_LOG_LEVEL"] == "info"
    assert found["PW_LOG_FORMAT"] == "text"
    assert found["PW_SHUTDOWN_TIMEOUT_S"] == "7"
    assert found["PW_NATS_URL"] == "nats://b:1"
