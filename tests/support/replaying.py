"""A replay server in this process, over updates of the test, on a free port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pw_replay.core.faults import parse_plan
from pw_replay.core.pace import parse_rate
from pw_replay.player import Player
from pw_replay.server import Geyser, serve
from pw_replay.sources import passes


@dataclass
class Replaying:
    """The server's address and its player."""

    target: str
    player: Player
    cut: Callable[[], Awaitable[None]]


@asynccontextmanager
async def replaying(
    updates: list[bytes],
    *,
    rate: str = "max",
    loop: bool = False,
    token: str | None = None,
    faults: str = "",
    cut: bool = False,
    window_slots: int = 150,
    sent_record: Path | None = None,
    keep_playing: bool = False,
) -> AsyncIterator[Replaying]:
    """Serve these updates as one capture."""

    def runs() -> Iterator[Iterator[bytes]]:
        return iter((iter(updates),))

    player = Player(
        passes(runs, loop=loop),
        rate=parse_rate(rate),
        window_slots=window_slots,
        plan=parse_plan(faults),
        cut_slow_clients=cut,
        sent_record=sent_record,
        keep_playing=keep_playing,
    )
    server, port = await serve(Geyser(player, token=token, version="0"), "127.0.0.1:0")
    playing = asyncio.create_task(player.play())
    try:
        yield Replaying(f"127.0.0.1:{port}", player, lambda: server.stop(0))
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        await server.stop(0)
        player.close()
