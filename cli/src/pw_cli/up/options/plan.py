"""Which processes a run needs, with which settings. Pure: nothing is started here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pw_cli.up.options.arguments import DEFAULT_TPS, UpOptions
from pw_common.wire.coverage import BY_WIDTH

SENT_RECORD: Final = "sent.bin"
HISTORY: Final = "history"
# For a person at a terminal; PW_LOG_LEVEL and PW_LOG_FORMAT say otherwise.
LOGS: Final = {"PW_LOG_FORMAT": "text", "PW_LOG_LEVEL": "warning"}


@dataclass(frozen=True)
class Spec:
    """One child process: `python -m module` with these variables.

    `env` is what the run must set itself. `defaults` give way to what the person has set.
    """

    name: str
    service: str
    module: str
    env: dict[str, str]
    http_port: int | None = None
    defaults: Mapping[str, str] = field(default_factory=lambda: LOGS)


@dataclass(frozen=True)
class Ports:
    """Free ports that the run uses on loopback."""

    replay: int
    replay_http: int
    ingest_http: int
    parser_http: tuple[int, ...]
    api: int
    detector_http: tuple[int, ...] = ()
    notifier_http: int = 0
    history_http: int = 0


def provision_spec(options: UpOptions, nats_url: str) -> Spec:
    """The one-shot that makes the streams."""
    # Once: the run waits for its end.
    env = _common(nats_url) | {"PW_PROVISION_EVERY_S": "0"}
    if options.tx_bytes_max is not None:
        env["PW_TX_BYTES_MAX"] = str(options.tx_bytes_max)
    return Spec("provision", "provision", "pw_provision", env)


def parser_spec(number: int, nats_url: str, port: int) -> Spec:
    """One parser; its number is only a name."""
    env = _common(nats_url) | {"PW_HTTP_LISTEN": f"127.0.0.1:{port}"}
    return Spec(f"parser-{number}", "parser", "pw_parser", env, port)


def detector_spec(number: int, nats_url: str, port: int) -> Spec:
    """One detector; several fold the same stream and store the same alerts once."""
    env = _common(nats_url) | {"PW_HTTP_LISTEN": f"127.0.0.1:{port}"}
    return Spec(f"detector-{number}", "detector", "pw_detector", env, port)


def history_spec(nats_url: str, port: int, folder: Path) -> Spec:
    """History: what it keeps lies beside the broker's data."""
    env = _common(nats_url) | {
        "PW_HTTP_LISTEN": f"127.0.0.1:{port}",
        "PW_HISTORY_DIR": str(folder / HISTORY),
    }
    return Spec("history", "history", "pw_history", env, port)


def notifier_spec(options: UpOptions, nats_url: str, port: int) -> Spec:
    """The notifier: alerts to the channels of a file, or to the console."""
    env = _common(nats_url) | {"PW_HTTP_LISTEN": f"127.0.0.1:{port}"}
    if options.channels is not None:
        env["PW_NOTIFIER_CHANNELS_FILE"] = str(options.channels.resolve())
    return Spec("notifier", "notifier", "pw_notifier", env, port)


def api_spec(
    nats_url: str,
    port: int,
    token_file: Path | None,
    *,
    no_token: bool | None = None,
    demo: bool = False,
    pw_command: str = "",
) -> Spec:
    """The status API; it reads its token from a file, and asks for none only without one."""
    env = _common(nats_url) | {"PW_HTTP_LISTEN": f"127.0.0.1:{port}"}
    without = token_file is None if no_token is None else no_token
    # Both, so that neither comes from somewhere else.
    env["PW_API_NO_TOKEN"] = str(without).lower()
    env["PW_API_DEMO"] = str(demo).lower()
    env["PW_API_PW_COMMAND"] = pw_command
    env["PW_API_TOKEN_FILE"] = "" if token_file is None else str(token_file.resolve())
    return Spec("api", "api", "pw_api", env, port)


def ingest_spec(options: UpOptions, nats_url: str, ports: Ports) -> Spec:
    """Ingest, pointed at the endpoint or at our own replay server."""
    env = _common(nats_url) | {
        "PW_HTTP_LISTEN": f"127.0.0.1:{ports.ingest_http}",
        "PW_INGEST_ENDPOINT": options.endpoint or f"http://127.0.0.1:{ports.replay}",
        "PW_INGEST_SOURCE_KIND": "live" if options.is_live else "recorded",
        **_rpc(options),
    }
    if options.x_token_file is not None:
        env["PW_INGEST_TOKEN_FILE"] = str(options.x_token_file.resolve())
    programs = options.programs
    if programs is None and options.source_kind == "capture":
        # Whoever plays a file wants all of it, votes and failures included.
        programs = "all"
    if programs is not None:
        known = programs in BY_WIDTH
        env["PW_INGEST_PROGRAMS"] = programs if known else str(Path(programs).resolve())
    if options.with_failed:
        env["PW_INGEST_WITH_FAILED"] = "true"
    if options.token_in_clear:
        env["PW_INGEST_IN_CLEAR"] = "true"
    return Spec("ingest", "ingest", "pw_ingest", env, ports.ingest_http)


def _rpc(options: UpOptions) -> dict[str, str]:
    """What ingest needs to follow a JSON-RPC node instead of an endpoint."""
    if options.rpc is None:
        return {}
    file = options.rpc_header_file
    found = {
        "PW_INGEST_ENDPOINT": "",
        "PW_INGEST_RPC_URL": options.rpc,
        "PW_INGEST_RPC_HEADER_FILE": None if file is None else str(file.resolve()),
        "PW_INGEST_RPC_RATE": None if options.rpc_rate is None else f"{options.rpc_rate:g}",
        "PW_INGEST_RPC_DAILY": None if options.rpc_daily is None else str(options.rpc_daily),
        "PW_INGEST_RPC_FOLLOW": _followed(options.rpc_follow),
    }
    return {name: value for name, value in found.items() if value is not None}


def _followed(who: str | None) -> str | None:
    """Addresses unchanged, and a file by its absolute path: services run elsewhere."""
    return str(Path(who).resolve()) if who and Path(who).is_file() else who


def replay_spec(options: UpOptions, ports: Ports, sent_record: Path) -> Spec:
    """The replay server over captures or the generated market."""
    env = {
        "PW_REPLAY_LISTEN": f"127.0.0.1:{ports.replay}",
        "PW_HTTP_LISTEN": f"127.0.0.1:{ports.replay_http}",
        "PW_REPLAY_LOOP": "false" if options.once else "true",
        "PW_REPLAY_SENT_RECORD": str(sent_record),
    }
    if options.captures:
        paths = [str(path.resolve()) for path in options.captures]
        env["PW_REPLAY_CAPTURES"] = os.pathsep.join(paths)
        env["PW_REPLAY_RATE"] = options.rate or "recorded"
    else:
        # The market is generated at the rate that it is played at, so that its clock keeps pace.
        number = options.rate is not None and options.rate.replace(".", "", 1).isdigit()
        tps = options.rate if number and options.rate is not None else str(DEFAULT_TPS)
        env["PW_REPLAY_MARKET_SEED"] = str(options.seed)
        env["PW_REPLAY_MARKET_MINUTES"] = str(options.minutes)
        env["PW_REPLAY_MARKET_TPS"] = tps
        env["PW_REPLAY_MARKET_PRESET"] = options.preset
        env["PW_REPLAY_MARKET_FAILURES"] = str(options.failures)
        env["PW_REPLAY_RATE"] = options.rate or tps
    if options.faults:
        env["PW_REPLAY_FAULTS"] = options.faults
    return Spec("replay", "replay", "pw_replay", env, ports.replay_http)


def every_spec(options: UpOptions, nats_url: str, ports: Ports, folder: Path) -> list[Spec]:
    """One of each service that the run will start, as it would be started."""
    specs = [
        provision_spec(options, nats_url),
        parser_spec(1, nats_url, ports.parser_http[0]),
        api_spec(
            nats_url,
            ports.api,
            options.api_token_file,
            no_token=options.no_token,
            demo=options.is_demo,
        ),
        ingest_spec(options, nats_url, ports),
    ]
    if options.detectors:
        specs.append(detector_spec(1, nats_url, ports.detector_http[0]))
        specs.append(notifier_spec(options, nats_url, ports.notifier_http))
    if options.history:
        specs.append(history_spec(nats_url, ports.history_http, folder))
    if not options.is_live:
        specs.append(replay_spec(options, ports, folder / SENT_RECORD))
    return specs


def _common(nats_url: str) -> dict[str, str]:
    return {"PW_NATS_URL": nats_url}
