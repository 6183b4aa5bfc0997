"""What a stranger does to the system from outside, by hand of the strikes."""

from __future__ import annotations

import asyncio
from typing import Final

# More than the API takes in all, so that the bound itself is met.
IDLE_CONNECTIONS: Final = 400
HALF_REQUESTS: Final = 60
FLOOD_S: Final = 1.5
HALF_REQUEST: Final = (
    b"PUT /api/v1/watchlists HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900000\r\n"
)


async def flood(host: str, port: int) -> str:
    """Hold more connections open than are allowed, some in the middle of a request."""
    opened = await asyncio.gather(
        *(asyncio.open_connection(host, port) for _ in range(IDLE_CONNECTIONS + HALF_REQUESTS)),
        return_exceptions=True,
    )
    writers = [one[1] for one in opened if not isinstance(one, BaseException)]
    try:
        for writer in writers[:HALF_REQUESTS]:
            writer.write(HALF_REQUEST)
        await asyncio.sleep(FLOOD_S)
    finally:
        for writer in writers:
            writer.transport.abort()
    return f"{len(writers)} connections that ask for nothing"
