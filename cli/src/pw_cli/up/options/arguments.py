"""The options of `pw up`, and what it refuses."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pw_cli.up.options.market_arguments import add_market_arguments
from pw_cli.up.options.rpc_arguments import add_rpc_arguments, rpc_problems
from pw_common.documents.channels import CHANNELS_BYTES_MAX, channels_of
from pw_common.documents.document import BadDocument, read_file
from pw_common.text.redact import shown_path
from pw_common.wire.captures import SUFFIXES
from pw_common.wire.coverage import BY_WIDTH
from pw_replay.core.faults import BadPlan, parse_plan
from pw_replay.core.limits import RULES as REFUSE_RULES
from pw_replay.market import presets

DEFAULT_TPS = 200
DEFAULT_MARKET_MINUTES = 10
DEFAULT_API_PORT = 8080
DETECTORS_MAX = 3
PORT_MAX = 65_535
TIMEOUT_S_MAX = 31_536_000
PARSERS_MAX = 16
SEED_DEFAULT = 1
TOKEN_BYTES_MAX = 4_096

RATE = re.compile(r"recorded|max|[0-9]+(\.[0-9]+)?x?")


class BadUsage(ValueError):
    """Options that contradict each other; says which and what to choose."""


@dataclass(frozen=True)
class UpOptions:
    """One run. Exactly one source: captures, an endpoint, a node, or the generated market."""

    captures: tuple[Path, ...]
    endpoint: str | None
    x_token_file: Path | None
    rate: str | None
    once: bool
    parsers: int
    detectors: int
    channels: Path | None
    programs: str | None
    exit_when_drained: bool
    report: Path | None
    data: Path | None
    api_port: int
    seed: int
    minutes: float
    timeout_s: float
    faults: str
    tx_bytes_max: int | None
    json: bool
    api_token_file: Path | None = None
    no_token: bool = False
    preset: str = presets.DEMO
    failures: float = presets.FAILURES_DEFAULT
    with_failed: bool = False
    token_in_clear: bool = False
    # Whether somebody chose the seed: only then is a seed that was played here refused.
    seed_given: bool = False
    # A JSON-RPC node, its header's file, and how often it may be asked.
    rpc: str | None = None
    rpc_header_file: Path | None = None
    rpc_rate: float | None = None
    rpc_daily: int | None = None
    rpc_follow: str | None = None
    # Whether what is found is kept beyond what the broker holds.
    history: bool = True

    @property
    def source_kind(self) -> str:
        """`capture`, `endpoint`, `rpc` or `market`."""
        if self.captures:
            return "capture"
        if self.rpc:
            return "rpc"
        return "endpoint" if self.endpoint else "market"

    @property
    def is_live(self) -> bool:
        """Whether the source is somebody else's, and nothing is played."""
        return bool(self.endpoint or self.rpc)

    @property
    def is_demo(self) -> bool:
        """Whether the run begins with a market that is meant for looking at."""
        return self.source_kind == "market" and self.preset == presets.DEMO


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pw up`."""
    source = parser.add_argument_group("source (default: a generated market)")
    _add_source(source)
    _add_playing(source)
    run = parser.add_argument_group("run")
    _add_processes(run)
    _add_token(run)
    _add_end(run)


def _add_source(source: argparse._ArgumentGroup) -> None:
    source.add_argument(
        "--capture",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="play captures: .pb, .pb.gz or .pb.zst",
    )
    source.add_argument("--endpoint", metavar="URL", help="a Yellowstone gRPC endpoint")
    source.add_argument(
        "--x-token-file", type=Path, metavar="F", help="file with the endpoint's x-token"
    )
    source.add_argument(
        "--x-token-in-clear",
        action="store_true",
        help="send the x-token over http:// to another host, where everyone on the way reads it",
    )
    add_rpc_arguments(source)
    source.add_argument(
        "--programs",
        metavar="NAME|FILE",
        help="what to subscribe to: successful, token-programs, programs (the packaged list), a "
        "YAML file, all-non-vote or all (default: successful; everything for captures)",
    )
    source.add_argument(
        "--with-failed", action="store_true", help="subscribe to failed transactions too"
    )


def _add_playing(source: argparse._ArgumentGroup) -> None:
    source.add_argument(
        "--rate", metavar="R", help="recorded, max, 10x, or a number of transactions a second"
    )
    again = source.add_mutually_exclusive_group()
    again.add_argument("--loop", action="store_true", help="start over at the end (default)")
    again.add_argument("--once", action="store_true", help="play once")
    source.add_argument(
        "--seed",
        type=int,
        help="seed of the generated market (default: 1, or the next one that --data has not had)",
    )
    source.add_argument(
        "--minutes",
        type=float,
        default=DEFAULT_MARKET_MINUTES,
        help="length of one pass of the generated market",
    )
    add_market_arguments(source, default=presets.DEMO)
    source.add_argument(
        "--faults",
        default="",
        metavar="PLAN",
        help="inject faults into the played source, e.g. skip_slots=S1-S2",
    )
    source.add_argument(
        "--refuse",
        default="",
        metavar="WHAT",
        help="what the played source's plan forbids: any, token-program, accounts-N, joined by +",
    )


def _add_processes(run: argparse._ArgumentGroup) -> None:
    run.add_argument("--parsers", type=int, default=2, metavar="N", help="parser processes")
    run.add_argument(
        "--channels", type=Path, metavar="YAML", help="where alerts go (default: the console)"
    )
    run.add_argument(
        "--detectors",
        type=int,
        default=1,
        metavar="N",
        help="detector processes; extra ones are hot spares",
    )
    run.add_argument(
        "--no-history",
        action="store_true",
        help="keep nothing beyond what the broker holds: candles, wallets and search do without",
    )
    run.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="keep the broker's data here (default: a temporary folder, removed on exit)",
    )
    run.add_argument(
        "--tx-bytes-max",
        type=int,
        metavar="B",
        help="size limit of PW_TX in bytes; a full queue makes the source wait",
    )
    run.add_argument(
        "--port", type=int, default=DEFAULT_API_PORT, help="port of the API (0: any free one)"
    )


def _add_token(run: argparse._ArgumentGroup) -> None:
    token = run.add_mutually_exclusive_group()
    token.add_argument(
        "--api-token-file",
        type=Path,
        metavar="F",
        default=Path(named) if (named := os.environ.get("PW_API_TOKEN_FILE")) else None,
        help="file with the API's token (default: PW_API_TOKEN_FILE, else one is created in the "
        "data folder)",
    )
    token.add_argument(
        "--no-token",
        action="store_true",
        help="no token: every user and program on this machine can read and change everything",
    )


def _add_end(run: argparse._ArgumentGroup) -> None:
    run.add_argument(
        "--exit-when-drained",
        action="store_true",
        help="with --once: stop when everything is parsed",
    )
    run.add_argument(
        "--timeout",
        type=float,
        default=0.0,
        metavar="S",
        help="give up after this many seconds (default: never)",
    )
    run.add_argument("--report", type=Path, metavar="FILE", help="write the run's figures as JSON")
    run.add_argument("--json", action="store_true", help="progress as JSON lines on stdout")


def _channels_problem(path: Path) -> str:
    """Why a file of channels cannot be used, before anything is started with it."""
    if not path.is_file():
        return "no such file"
    try:
        channels_of(read_file(path, CHANNELS_BYTES_MAX))
    except (BadDocument, OSError) as error:
        return str(error)
    return ""


def options(args: argparse.Namespace) -> UpOptions:
    """Check the options together.

    Raises:
        BadUsage: naming every problem.
    """
    problems = [*_source_problems(args), *_run_problems(args)]
    if problems:
        raise BadUsage("\n".join(problems))
    return UpOptions(
        captures=tuple(args.capture),
        endpoint=args.endpoint,
        x_token_file=args.x_token_file,
        rate=args.rate,
        once=args.once,
        parsers=args.parsers,
        detectors=args.detectors,
        channels=args.channels,
        programs=args.programs,
        exit_when_drained=args.exit_when_drained,
        report=args.report,
        data=args.data,
        api_port=args.port,
        seed=SEED_DEFAULT if args.seed is None else args.seed,
        seed_given=args.seed is not None,
        minutes=args.minutes,
        timeout_s=args.timeout,
        faults=",".join(filter(None, (args.faults, args.refuse and f"refuse={args.refuse}"))),
        tx_bytes_max=args.tx_bytes_max,
        json=args.json,
        api_token_file=args.api_token_file,
        no_token=args.no_token,
        preset=args.preset,
        failures=args.failures,
        with_failed=args.with_failed,
        token_in_clear=args.x_token_in_clear,
        rpc=args.rpc,
        rpc_header_file=args.rpc_header_file,
        rpc_rate=args.rpc_rate,
        rpc_daily=args.rpc_daily,
        rpc_follow=args.rpc_follow,
        history=not args.no_history,
    )


def _source_problems(args: argparse.Namespace) -> Iterator[str]:
    if args.capture and args.endpoint:
        yield "--capture and --endpoint are two sources: choose one"
    for path in args.capture:
        if why := _capture_problem(path):
            yield f"--capture: {why}"
    if args.x_token_file and not args.endpoint:
        yield "--x-token-file belongs to --endpoint"
    if args.x_token_file and (why := _token_problem(args.x_token_file)):
        yield f"--x-token-file: {why}"
    if args.x_token_in_clear and not (args.endpoint or args.rpc):
        yield "--x-token-in-clear belongs to --endpoint or --rpc"
    yield from rpc_problems(args)
    if args.rate is not None and not RATE.fullmatch(args.rate):
        yield f"--rate {args.rate}: allowed are recorded, max, 10x, or a number"
    live = args.endpoint or args.rpc
    if args.rate and live:
        yield "--rate cannot change the pace of an endpoint"
    if args.once and live:
        yield "--once cannot end an endpoint's stream"
    if args.programs not in {None, *BY_WIDTH} and not Path(args.programs).is_file():
        names = ", ".join(BY_WIDTH)
        yield f"--programs {args.programs}: no such file; or say {names}"
    for flag, value in (("--refuse", args.refuse), ("--faults", args.faults)):
        if value and live:
            yield f"{flag} is for the played source: an endpoint refuses by itself"
    if args.refuse and not _refuses(args.refuse):
        yield f"--refuse {args.refuse}: allowed: {REFUSE_RULES}"


def _refuses(text: str) -> bool:
    try:
        parse_plan(f"refuse={text}")
    except BadPlan:
        return False
    return "," not in text


def _run_problems(args: argparse.Namespace) -> Iterator[str]:
    if args.api_token_file and not args.api_token_file.is_file():
        yield f"--api-token-file {shown_path(args.api_token_file)}: no such file"
    if not 0 <= args.port <= PORT_MAX:
        yield f"--port {args.port}: allowed are 0 to {PORT_MAX}; 0 takes a free one"
    if not 0 <= args.timeout <= TIMEOUT_S_MAX:
        most = f"{TIMEOUT_S_MAX:,} seconds"
        yield f"--timeout {args.timeout}: allowed are 0 (never) to {most}"
    if not 1 <= args.parsers <= PARSERS_MAX:
        yield f"--parsers {args.parsers}: allowed are 1 to {PARSERS_MAX}"
    if args.channels is not None and (why := _channels_problem(args.channels)):
        yield f"--channels {args.channels}: {why}"
    if not 0 <= args.detectors <= DETECTORS_MAX:
        yield f"--detectors {args.detectors}: allowed are 0 to {DETECTORS_MAX}"
    if args.channels is not None and args.detectors == 0:
        yield "--channels needs a detector: --detectors 0 raises no alerts"
    if args.exit_when_drained and not args.once:
        yield "--exit-when-drained needs --once: a loop never drains"
    if args.report is not None and (why := _report_problem(args.report)):
        yield f"--report {args.report}: {why}"


def _capture_problem(path: Path) -> str:
    if not path.is_file():
        return f"no such capture: {path}"
    if not path.name.endswith(SUFFIXES):
        return f"{path}: not a capture by its name; allowed: {', '.join(SUFFIXES)}"
    return "" if os.access(path, os.R_OK) else f"{path}: it cannot be read"


def _token_problem(path: Path) -> str:
    if not path.is_file():
        return f"no such file: {shown_path(path)}"
    try:
        with path.open("rb") as file:
            return "" if file.read(TOKEN_BYTES_MAX).strip() else f"{shown_path(path)} is empty"
    except OSError as error:
        return f"{shown_path(path)}: {error.strerror}"


def _report_problem(path: Path) -> str:
    if path.is_dir():
        return "it is a folder; give the name of a file"
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist; create it first"
    writable = os.access(path, os.W_OK) if path.exists() else os.access(path.parent, os.W_OK)
    return "" if writable else "it cannot be written"
