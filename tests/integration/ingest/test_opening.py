"""A connection that is taken and never answered: ended, said, and tried again."""

from __future__ import annotations

import socket
from pathlib import Path

from support.broker import provisioned
from support.ingesting import heartbeat, ingest, until_frontier
from support.poll import poll_until
from support.source import FakeSource, blocks, running_source


async def test_a_stream_cut_while_it_opens_is_tried_again(tmp_path: Path) -> None:
    source = FakeSource(blocks(range(100, 110)))
    async with provisioned(tmp_path) as (broker, bus):
        with socket.socket() as mute:
            # The kernel takes the connection; nobody ever reads from it.
            mute.bind(("127.0.0.1", 0))
            mute.listen(8)
            port = mute.getsockname()[1]
            source.endpoint = f"http://127.0.0.1:{port}"
            async with ingest(broker, source, PW_INGEST_STALE_S="1"):

                async def says_why() -> bool:
                    beat = await heartbeat(bus)
                    return beat is not None and "ended by us" in beat.reason and not beat.ready

                await poll_until(says_why, "the heartbeat to say that it was ended", timeout_s=15)
                mute.close()
                async with running_source(source, port=port):
                    await until_frontier(bus, 108)
