"""What a service instance says of itself once a second: `heartbeat.v1` and its parts.

The rules of `messages.py` hold: fields are only ever added, with defaults.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

SourceKind: TypeAlias = Literal["live", "recorded"]


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A counter of a service: its total and its recent rates in units a second."""

    total: int
    per_s_1s: float
    per_s_60s: float


class EndpointHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint of a source. `active` says that its updates are taken right now.

    `refused` counts claims that cannot be; `refusing` is what it claimed lately, in words.
    `filter` is what it is asked for (`coverage.py`).
    """

    endpoint: str
    connected: bool
    active: bool
    slot: int | None = None
    lag_ms: int | None = None
    detail: str = ""
    clock_ahead_ms: int = 0
    refused: int = 0
    refusing: str = ""
    filter: str = ""


class SourceHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What ingest knows of its source right now.

    `lag_ms` is now minus `created_at`, 0 where that is ahead; `clock_ahead_ms` says how far.
    `kind` is what our settings say: the lag of a recording means nothing. `programs` is the
    stamp of the table of programs that messages get now; empty: the shipped one.
    `filter` is what is seen now; `narrowed` says, endpoint by endpoint, where that is less than
    what was asked for. Of a JSON-RPC node, `seen_permille` is how many of a thousand blocks were
    seen lately, and `sampled` why not all; its `lag_ms` is now minus the newest block's time.
    """

    source: str
    endpoint: str
    connected: bool
    slot: int | None = None
    lag_ms: int | None = None
    epoch: int = 0
    checkpoint_slot: int | None = None
    frontier_slot: int | None = None
    gaps: int = 0
    waiting_for_broker: bool = False
    detail: str = ""
    endpoints: tuple[EndpointHealth, ...] = ()
    kind: SourceKind = "live"
    clock_ahead_ms: int = 0
    refused: int = 0
    refusing: str = ""
    programs: str = ""
    filter: str = ""
    narrowed: str = ""
    sampled: str = ""
    seen_permille: int | None = None


class LayoutDrift(msgspec.Struct, frozen=True, kw_only=True):
    """A venue that suddenly writes what its table does not explain.

    `unparsed` of `called` instructions in the last minute of slots; `signatures` are the
    first three, from `first_slot` on, `tags` what is not explained. `changed` is a program
    whose trades no longer agree with the balances; `new` one that only added something.
    """

    venue: str
    first_slot: int
    signatures: tuple[str, ...]
    unparsed: int
    called: int
    kind: Literal["changed", "new"] = "changed"
    tags: tuple[str, ...] = ()


class MemoryHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What a service holds, and what it may. `held_bytes` is its state's share, as counted.

    `cut_ms` is the event time before which it dropped what it should hold, to stay within.
    """

    resident_bytes: int
    limit_bytes: int
    held_bytes: int = 0
    cut_ms: int = 0


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """What a person should see to although the service works.

    `channel` names the channel of alerts that it is about; `failing` says that nothing arrives
    through it.
    """

    what: str
    channel: str = ""
    failing: bool = False


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, tag="heartbeat.v1"):
    """A service instance's entry in the `pw_instances` bucket, written every second.

    `rates` is keyed by the counter's metric name (see `metrics.py`). `expects` names sources
    without which the service waits, although it reads none itself. `troubles` are what `reason`
    says of a service that is ready, one by one; older versions leave them out.
    `last_swap_ms` is when the newest swap that a detector has read was stored.
    """

    service: str
    instance: str
    version: str
    pid: int
    started_at_ms: int
    at_ms: int
    http_url: str
    ready: bool
    reason: str = ""
    rates: dict[str, Rate] = {}
    source: SourceHealth | None = None
    drift: tuple[LayoutDrift, ...] = ()
    memory: MemoryHealth | None = None
    expects: tuple[str, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    last_swap_ms: int | None = None
