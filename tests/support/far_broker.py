"""A broker that is far away: every byte to it and from it takes a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pw_common.dev.local_broker import LocalBroker
from pw_common.process.clock import monotonic_s


@dataclass
class Far:
    """The way to a broker. `one_way_s` may change while connections are open."""

    url: str
    one_way_s: float


@asynccontextmanager
async def far_away(broker: LocalBroker, one_way_s: float) -> AsyncIterator[Far]:
    """A way to this broker that takes so long in each direction."""
    port = int(broker.url.rpartition(":")[2])
    far = Far("", one_way_s)
    open_ones: set[asyncio.StreamWriter] = set()
    carrying: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        on_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def arrive() -> None:
            while True:
                due_s, data = await on_way.get()
                await asyncio.sleep(due_s - monotonic_s())
                if not data:
                    return writer.close()
                writer.write(data)
                await writer.drain()

        async def leave() -> None:
            data = b"-"
            while data:
                try:
                    data = await reader.read(65_536)
                except OSError:
                    data = b""
                on_way.put_nowait((monotonic_s() + far.one_way_s, data))

        # One end may be gone by the time that something arrives there.
        await asyncio.gather(leave(), arrive(), return_exceptions=True)

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        carrying.add(task)
        task.add_done_callback(carrying.discard)
        there, back = await asyncio.open_connection("127.0.0.1", port)
        open_ones.update((writer, back))
        await asyncio.gather(carry(reader, back), carry(there, writer))

    async with await asyncio.start_server(connect, "127.0.0.1", 0) as server:
        far.url = f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield far
        finally:
            for writer in open_ones:
                writer.close()
            if carrying:
                await asyncio.wait(set(carrying), timeout=5)
