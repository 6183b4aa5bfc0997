"""A broker and an API as `pw up` leaves them: commands find both without an option."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec

from pw_cli.connect.runs import Run, started_of
from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from support.broker import provisioned
from support.command import Ended, pw
from support.services import running_service
from support.tokens import token_file


class Command(Protocol):
    async def __call__(self, *words: str, **environ: str) -> Ended: ...


@asynccontextmanager
async def system(folder: Path) -> AsyncIterator[tuple[Bus, Command, dict[str, str]]]:
    """A broker and an API, found by the run file as those of `pw up` are; no option names them."""
    path = token_file(folder)
    state = folder / "state"
    (state / "pocketwatcher").mkdir(parents=True)
    async with (
        provisioned(folder / "broker") as (broker, bus),
        running_service("pw_api", {"PW_NATS_URL": broker.url, "PW_API_TOKEN_FILE": str(path)}) as (
            _,
            url,
        ),
    ):
        pid = os.getpid()
        run = Run(api=url, nats=broker.url, pid=pid, started=started_of(pid), token_file=str(path))
        environ = {"XDG_RUNTIME_DIR": str(state)}
        (state / "pocketwatcher" / f"{pid}.json").write_bytes(msgspec.json.encode(run))
        yield bus, partial(pw, **environ), {"PW_NATS_URL": broker.url}


async def stored(bus: Bus, key: str) -> dict[str, Any]:
    entry = await bus.kv_get(subjects.BUCKET_CONFIG, key)
    assert entry is not None
    value: dict[str, Any] = msgspec.json.decode(entry[0])
    return value
