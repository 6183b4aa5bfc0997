"""What a run would be refused for by its own services, found before anything is started.

Each service's settings are read here as the service will read them. A value that came from a
flag is named by the flag, and a value from the environment by its variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pw_api.config
import pw_detector.config
import pw_history.config
import pw_ingest.config
import pw_notifier.config
import pw_parser.config
import pw_provision.main
import pw_replay.config
from pw_cli.up.options.arguments import BadUsage, UpOptions
from pw_cli.up.options.plan import Ports, Spec, every_spec
from pw_common.service.settings import Problem, look

SETTINGS: Final[Mapping[str, type]] = {
    "api": pw_api.config.Settings,
    "detector": pw_detector.config.Settings,
    "history": pw_history.config.Settings,
    "ingest": pw_ingest.config.Settings,
    "notifier": pw_notifier.config.Settings,
    "parser": pw_parser.config.Settings,
    "provision": pw_provision.main.Settings,
    "replay": pw_replay.config.Settings,
}
# What says the same as a variable that the run sets; "" where there is nothing to say.
FLAGS: Final[Mapping[str, str]] = {
    "PW_API_DEMO": "--preset",
    "PW_API_NO_TOKEN": "--no-token",
    "PW_API_PW_COMMAND": "",
    "PW_API_TOKEN_FILE": "--api-token-file",
    "PW_HISTORY_DIR": "--data",
    "PW_HTTP_LISTEN": "--port",
    "PW_INGEST_ENDPOINT": "--endpoint",
    "PW_INGEST_PROGRAMS": "--programs",
    "PW_INGEST_RPC_DAILY": "--rpc-daily",
    "PW_INGEST_RPC_FOLLOW": "--rpc-follow",
    "PW_INGEST_RPC_HEADER_FILE": "--rpc-header-file",
    "PW_INGEST_RPC_RATE": "--rpc-rate",
    "PW_INGEST_RPC_URL": "--rpc",
    "PW_INGEST_SOURCE_KIND": "",
    "PW_INGEST_TOKEN_FILE": "--x-token-file",
    "PW_INGEST_IN_CLEAR": "--x-token-in-clear",
    "PW_INGEST_WITH_FAILED": "--with-failed",
    "PW_NOTIFIER_CHANNELS_FILE": "--channels",
    "PW_PROVISION_EVERY_S": "",
    "PW_REPLAY_CAPTURES": "--capture",
    "PW_REPLAY_FAULTS": "--faults",
    "PW_REPLAY_LISTEN": "",
    "PW_REPLAY_LOOP": "--once",
    "PW_REPLAY_MARKET_FAILURES": "--failures",
    "PW_REPLAY_MARKET_MINUTES": "--minutes",
    "PW_REPLAY_MARKET_PRESET": "--preset",
    "PW_REPLAY_MARKET_SEED": "--seed",
    "PW_REPLAY_MARKET_TPS": "--rate",
    "PW_REPLAY_RATE": "--rate",
    "PW_REPLAY_SENT_RECORD": "",
    "PW_TX_BYTES_MAX": "--tx-bytes-max",
}
# Each would choose or change the source, whichever one the flags say.
SOURCES: Final = frozenset(
    name
    for name in FLAGS
    if name.startswith(("PW_INGEST_RPC_URL", "PW_REPLAY_CAPTURES", "PW_REPLAY_MARKET_"))
)
VARIABLE: Final = re.compile(r" \(PW_[^)]*\)")
# Set by the run and by a person alike, with the same meaning.
SHARED: Final = frozenset({"PW_NATS_URL", "PW_API_TOKEN_FILE"})
# Free ports are found later; what is checked here needs numbers only.
_PORTS: Final = Ports(1, 1, 1, (1,), 1, (1,), 1, 1)


def check(options: UpOptions, environ: Mapping[str, str]) -> None:
    """Look at flags and environment as the services will.

    Raises:
        BadUsage: naming every problem.
    """
    nats_url = environ.get("PW_NATS_URL") or "nats://127.0.0.1:4222"
    specs = every_spec(options, nats_url, _PORTS, Path())
    # Several services read the same variable, and one flag may set several.
    found = dict(reversed([*_taken(specs, environ), *_unusable(specs, environ)]))
    if found:
        raise BadUsage("\n".join(reversed(found.values())))


def _taken(specs: list[Spec], environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    ours = {name for spec in specs for name in spec.env} - SHARED | SOURCES
    for name in sorted(ours & {name for name, value in environ.items() if value}):
        flag = FLAGS.get(name, "")
        say = f", and say it with {flag}" if flag else ""
        yield name, f"{name} is set, but pw up must set it itself: unset it{say}"


def _unusable(specs: list[Spec], environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for spec in specs:
        merged = {**spec.defaults, **environ, **spec.env}
        _, problems = look(SETTINGS[spec.service], merged)
        for one in problems:
            flag = FLAGS.get(one.env, "") if one.env in spec.env else ""
            yield flag or one.env, f"{flag} {_plain(one)}" if flag else str(one)


def _plain(problem: Problem) -> str:
    """A problem in the words of a flag: the value as it was typed, and no variable's name."""
    why = VARIABLE.sub("", problem.why)
    return f"{problem.shown[1:-1]}: {why}" if problem.shown else why
