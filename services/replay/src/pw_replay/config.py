"""Settings of the replay server."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pw_common.service import settings as st
from pw_common.service.settings import setting
from pw_replay.core.faults import BadPlan, parse_plan
from pw_replay.core.pace import BadRate, parse_rate
from pw_replay.market import presets


def _rate(value: str) -> str | None:
    try:
        parse_rate(value)
    except BadRate as error:
        return str(error)
    return None


def _plan(value: str) -> str | None:
    try:
        parse_plan(value)
    except BadPlan as error:
        return str(error)
    return None


def _captures(value: str) -> str | None:
    missing = [one for one in value.split(os.pathsep) if not Path(one).is_file()]
    return f"no such capture: {', '.join(missing)}" if missing else None


def _token_file(value: Path) -> str | None:
    if problem := st.readable_file(value):
        return problem
    # An empty token would let everybody in who sends none.
    return None if value.read_text().strip() else "the file is empty: it must hold the token"


@dataclass(frozen=True)
class Settings:
    """Without captures the generated market is played."""

    listen: str = setting(
        "PW_REPLAY_LISTEN", "gRPC address", default="127.0.0.1:10000", check=st.listen_address
    )
    http_listen: str = setting(
        "PW_HTTP_LISTEN",
        "Address of /status, /livez, /readyz and /metrics; port 0 takes a free one",
        default="127.0.0.1:0",
        check=st.listen_address,
    )
    captures: str = setting(
        "PW_REPLAY_CAPTURES", "Capture files, separated like PATH", default="", check=_captures
    )
    market_seed: int = setting("PW_REPLAY_MARKET_SEED", "Seed of the generated market", default=1)
    market_minutes: float = setting(
        "PW_REPLAY_MARKET_MINUTES", "Length of a pass", default=10.0, check=st.between(0.01, 1440)
    )
    market_tps: float = setting(
        "PW_REPLAY_MARKET_TPS",
        "Transactions a second of market time",
        default=200.0,
        check=st.between(1, 20_000),
    )
    market_preset: str = setting(
        "PW_REPLAY_MARKET_PRESET",
        "demo (varied, and a named token is quietly bought at once), varied (what a block of "
        "today holds), or dense (mostly trades, for load)",
        default=presets.VARIED,
        check=st.one_of(*presets.PRESETS),
    )
    market_failures: float = setting(
        "PW_REPLAY_MARKET_FAILURES",
        "Share of the varied market's transactions, votes apart, that fail",
        default=presets.FAILURES_DEFAULT,
        check=st.between(presets.FAILURES_MIN, presets.FAILURES_MAX),
    )
    rate: str = setting(
        "PW_REPLAY_RATE",
        "Pace: recorded, max, 10x, or a number of transactions a second",
        default="200",
        check=_rate,
    )
    loop: bool = setting("PW_REPLAY_LOOP", "Start over at the end", default=True)
    token_file: Path | None = setting(
        "PW_REPLAY_TOKEN_FILE",
        "File with the x-token that clients must send",
        default=None,
        check=_token_file,
    )
    sent_record: Path | None = setting(
        "PW_REPLAY_SENT_RECORD", "File for the side record signature -> sent", default=None
    )
    window_slots: int = setting(
        "PW_REPLAY_WINDOW_SLOTS",
        "Slots remembered for from_slot",
        default=150,
        check=st.between(1, 10_000),
    )
    slow_client: str = setting(
        "PW_REPLAY_SLOW_CLIENT",
        "wait for the slowest subscriber, or cut it as public servers do",
        default="wait",
        check=st.one_of("wait", "cut"),
    )
    keep_playing: bool = setting(
        "PW_REPLAY_KEEP_PLAYING",
        "Go on without subscribers, as a chain does; not at rate max",
        default=False,
    )
    faults: str = setting(
        "PW_REPLAY_FAULTS",
        "Faults on demand, e.g. skip_slots=10-12 or refuse=any+token-program",
        default="",
        check=_plan,
    )
    log_level: str = setting(
        "PW_LOG_LEVEL",
        "How much is logged",
        default="info",
        check=st.one_of("debug", "info", "warning", "error"),
    )
    log_format: str = setting(
        "PW_LOG_FORMAT", "json, or text for people", default="json", check=st.one_of("json", "text")
    )
