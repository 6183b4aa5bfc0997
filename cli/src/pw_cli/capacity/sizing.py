"""What a rate of transactions costs, from measured constants. Pure: no I/O, no clock.

Every constant was measured on two shared cores with nats-server 2.15.1; its comment names the
command. Sizes hold anywhere and are checked by a test against a short run; times are of that
machine and are meant as an upper bound for a present one.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from pw_cli.capacity.past import Kept, kept
from pw_cli.capacity.shapes import MAINNET_TPS, PEAK, SHAPES, Feed, Shape, feeds, mean_tps
from pw_common.topology.streams import DUPLICATE_WINDOW_S, GIB, MIB, declare
from pw_common.topology.subjects import STREAM_ALERT, STREAM_DLQ, STREAM_GAP, STREAM_SWAP, STREAM_TX
from pw_common.wire.coverage import SUCCESSFUL
from pw_common.wire.limits import (
    LINGER_MS,
    MEMORY_FULL_SHARE,
    PARSER_FETCH,
    PARSER_REPLICAS_MAX,
    TX_RAW_BYTES_MAX,
    TX_UPDATES_MAX,
)

# Headers, subject and the broker's own record beside a message's body: STREAM.INFO of
# PW_TX after `python bench/bench_ingest.py --updates 10000`.
BYTES_PER_MESSAGE: Final = 260
# An alert with its facts, as PW_ALERT holds it; rules fire a few times a minute at most.
BYTES_PER_ALERT: Final = 5_000
ALERTS_PER_MINUTE: Final = 3

# CPU microseconds a transaction: `pw up --capture M --rate 500 --once --parsers 2
# --exit-when-drained --report r.json` on that market. At full messages it is less: 81 for
# ingest (bench_ingest), 42 for a parser's core (bench_parse).
CPU_US_PER_TX: Final = {
    "ingest": 280,
    "parser": 265,
    "broker": 230,
    "detector": 155,
    "history": 106,
    "api": 60,
    "notifier": 16,
}
# Resident memory after the start and a short run, in MB: the same report.
BASE_MB: Final = {
    "ingest": 70,
    "parser": 55,
    "broker": 60,
    "detector": 52,
    "history": 160,
    "api": 80,
    "notifier": 46,
}
# The detector keeps an hour of swaps in windows, with their share of wallets and tokens: growth
# of its resident memory over an hour, `python bench/bench_detector_hours.py`.
DETECTOR_BYTES_PER_SWAP: Final = 180
WINDOW_S: Final = 3600
# The share of the shipped limit that counts as much: the windows should stay below it.
DETECTOR_LIMIT_BYTES: Final = MEMORY_FULL_SHARE * GIB
# The broker remembers message ids of PW_TX and PW_SWAP: 400,000 of them against an empty stream.
BYTES_PER_MESSAGE_ID: Final = 280

# A parser at half a core works off a backlog as fast as it grew.
PARSER_LOAD: Final = 0.5
# The API says backpressure when PW_TX is at 80 % of its limit.
FILL: Final = 0.8
# What the broker wants free beside its streams, to pack and to restore one.
DISK_FREE: Final = 0.2
# A process that is one thread cannot take more than this of a core for long.
SINGLE_LOAD: Final = 0.8
SWAP_HOURS: Final = 24
# What the shipped limits hold of the default subscription at mainnet's mean: tested.
TX_HOURS_SHIPPED: Final = 2
SWAP_HOURS_SHIPPED: Final = 12
# A parser's lag target is what it works off in about this time.
LAG_S: Final = 2
SLOTS_PER_S: Final = 2.5
TPS_MAX: Final = 100_000
HOURS_MAX: Final = 24 * 30


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One service: how many processes, and what each may take at the most."""

    name: str
    processes: int
    cores: float
    memory_mb: int


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """One stream: what it will hold, and the limit that leaves room for it."""

    stream: str
    held_bytes: int
    limit_bytes: int
    setting: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `pw plan` says. Rates are bytes a second; disk is that of one broker."""

    programs: str
    tps: float
    hours: float
    feeds: tuple[Feed, ...]
    messages_per_s: float
    swaps_per_s: float
    disk: tuple[Disk, ...]
    disk_bytes: int
    history: tuple[Kept, ...]
    history_bytes: int
    services: tuple[Service, ...]
    parsers: int
    cores: float
    memory_mb: int
    source_in_bytes_s: int
    broker_in_bytes_s: int
    broker_out_bytes_s: int
    assumptions: tuple[str, ...]
    notes: tuple[str, ...]


class BadPlan(ValueError):
    """A rate or a time that cannot be planned for; says what is allowed."""


def plan(tps: float | None, hours: float, programs: str = SUCCESSFUL) -> Plan:
    """What `tps` transactions a second cost when PW_TX must hold `hours` of them.

    Args:
        tps: None for what the subscription brings at mainnet's mean.
        hours: What PW_TX holds.
        programs: A key of SHAPES.

    Raises:
        BadPlan: a value out of its bounds.
    """
    if programs not in SHAPES:
        raise BadPlan(f"--programs {programs}: allowed: {', '.join(SHAPES)}")
    shape = SHAPES[programs]
    tps = mean_tps(programs) if tps is None else tps
    problems = []
    if not 0 < tps <= TPS_MAX:
        problems.append(f"--tps {tps:g}: allowed: more than 0, up to {TPS_MAX}")
    if not 0 < hours <= HOURS_MAX:
        problems.append(f"--hours {hours:g}: allowed: more than 0, up to {HOURS_MAX}")
    if problems:
        raise BadPlan("\n".join(problems))
    swaps_s = tps * shape.swaps
    messages_s = messages_per_s(tps, shape)
    disk = _disk(tps, hours, shape)
    services = _services(tps, swaps_s, messages_s)
    tx_bytes_s, swap_bytes_s = stored_bytes_s(tps, shape)
    past = kept(swaps_s)
    return Plan(
        programs=programs,
        feeds=feeds(),
        tps=tps,
        hours=hours,
        messages_per_s=round(messages_s, 1),
        swaps_per_s=round(swaps_s, 1),
        disk=disk,
        disk_bytes=math.ceil(sum(one.limit_bytes for one in disk) / (1 - DISK_FREE)),
        history=past,
        history_bytes=math.ceil(sum(one.held_bytes for one in past) / (1 - DISK_FREE)),
        services=services,
        parsers=next(one.processes for one in services if one.name == "parser"),
        cores=round(sum(one.processes * one.cores for one in services), 2),
        memory_mb=sum(one.processes * one.memory_mb for one in services),
        source_in_bytes_s=math.ceil(tps * shape.raw_bytes),
        broker_in_bytes_s=math.ceil(tx_bytes_s + swap_bytes_s),
        # PW_SWAP is read by the detector and by history.
        broker_out_bytes_s=math.ceil(tx_bytes_s + 2 * swap_bytes_s),
        assumptions=_assumptions(tps, programs),
        notes=tuple(_notes(services, swaps_s)),
    )


def messages_per_s(tps: float, shape: Shape = SHAPES[SUCCESSFUL]) -> float:
    """How many PW_TX messages a second: cut when full, after the linger, and at a slot's end."""
    per_message = min(TX_UPDATES_MAX, TX_RAW_BYTES_MAX / shape.raw_bytes)
    full_s = tps / per_message
    quiet_s = min(tps, 1_000 / LINGER_MS)
    return max(full_s, quiet_s) + SLOTS_PER_S


def stored_bytes_s(tps: float, shape: Shape) -> tuple[float, float]:
    """Bytes a second that PW_TX and PW_SWAP grow by, with the broker's own of each message."""
    beside_bytes = messages_per_s(tps, shape) * BYTES_PER_MESSAGE
    return tps * shape.zstd_bytes + beside_bytes, tps * shape.batch_bytes + beside_bytes


def lag_target(tps: float) -> int:
    """How many messages a parser works off in LAG_S, at this rate's messages."""
    per_message = tps / messages_per_s(tps)
    return round(LAG_S * 1e6 / CPU_US_PER_TX["parser"] / per_message)


def _disk(tps: float, hours: float, shape: Shape) -> tuple[Disk, ...]:
    tx_bytes_s, swap_bytes_s = stored_bytes_s(tps, shape)
    tx_bytes = hours * 3600 * tx_bytes_s
    swap_bytes = SWAP_HOURS * 3600 * swap_bytes_s
    topology = declare()
    fixed = {one.name: one.max_bytes for one in topology.streams}
    kept_minutes = {one.name: one.max_age_s / 60 for one in topology.streams}
    alert_bytes = kept_minutes[STREAM_ALERT] * ALERTS_PER_MINUTE * BYTES_PER_ALERT
    return (
        Disk(
            stream=STREAM_TX,
            held_bytes=math.ceil(tx_bytes),
            limit_bytes=_whole_mib(tx_bytes / FILL),
            setting="PW_TX_BYTES_MAX",
        ),
        Disk(
            stream=STREAM_SWAP,
            held_bytes=math.ceil(swap_bytes),
            limit_bytes=_whole_mib(swap_bytes / FILL),
            setting="PW_SWAP_BYTES_MAX",
        ),
        Disk(
            stream=STREAM_ALERT, held_bytes=math.ceil(alert_bytes), limit_bytes=fixed[STREAM_ALERT]
        ),
        Disk(stream=STREAM_GAP, held_bytes=0, limit_bytes=fixed[STREAM_GAP]),
        Disk(stream=STREAM_DLQ, held_bytes=0, limit_bytes=fixed[STREAM_DLQ]),
        Disk(
            stream="buckets",
            held_bytes=0,
            limit_bytes=sum(one.max_bytes for one in topology.buckets),
        ),
    )


def _whole_mib(size_bytes: float) -> int:
    return max(1, math.ceil(size_bytes / MIB)) * MIB


def _services(tps: float, swaps_s: float, messages_s: float) -> tuple[Service, ...]:
    parsers = math.ceil(tps * CPU_US_PER_TX["parser"] / 1e6 / PARSER_LOAD)
    extra_bytes = {
        "broker": 2 * messages_s * DUPLICATE_WINDOW_S * BYTES_PER_MESSAGE_ID,
        "detector": swaps_s * WINDOW_S * DETECTOR_BYTES_PER_SWAP,
        "parser": 2 * PARSER_FETCH * TX_RAW_BYTES_MAX,
    }
    found = []
    for name, us in CPU_US_PER_TX.items():
        processes = parsers if name == "parser" else 1
        found.append(
            Service(
                name=name,
                processes=processes,
                cores=round(tps * us / 1e6 / processes, 3),
                memory_mb=math.ceil(BASE_MB[name] + extra_bytes.get(name, 0) / 1e6),
            )
        )
    return tuple(found)


def _assumptions(tps: float, programs: str) -> tuple[str, ...]:
    shape, mean = SHAPES[programs], mean_tps(programs)
    return (
        f"mainnet without votes: about {MAINNET_TPS:,} tx/s (first quarter of 2026: 1,303)",
        f"{programs} is {shape.share:.0%} of that on whole blocks: {mean:,.0f} tx/s",
        f"so {tps:g} is {tps / mean:.0%} of its mean; busy minutes are {PEAK} times the mean",
        f"a transaction is {shape.raw_bytes:,} bytes, {shape.zstd_bytes:,} in PW_TX",
        f"{shape.swaps:g} swaps a transaction, {shape.batch_bytes} bytes of it in PW_SWAP",
        f"parsers at {PARSER_LOAD:.0%} of a core: a backlog goes as fast as it came",
        "one copy of each stream; with three replicas every node has this disk",
        "CPU as measured at 500 tx/s on two shared cores; less a piece when busier",
    )


def _notes(services: tuple[Service, ...], swaps_s: float) -> list[str]:
    notes = []
    for one in services:
        if one.name not in {"parser", "broker"} and one.cores > SINGLE_LOAD:
            notes.append(
                f"{one.name} is one process and may need {one.cores:.1f} cores: measure first"
            )
        if one.name == "parser" and one.processes > PARSER_REPLICAS_MAX:
            notes.append(f"more parsers than the largest fleet of {PARSER_REPLICAS_MAX}")
    if swaps_s * WINDOW_S * DETECTOR_BYTES_PER_SWAP > DETECTOR_LIMIT_BYTES:
        notes.append(
            "the detector's windows pass 1 GiB with what it needs beside them: "
            "raise its limit and PW_DETECTOR_MEMORY_BYTES_MAX"
        )
    return notes
