"""The tests' receiver takes only whole requests, as any server does."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from support.poll import poll_until
from support.receiver import receiving

HEAD = b"POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"


@pytest.mark.parametrize(("sent", "taken"), [(b"", []), (b"tru", []), (b"true", [b"true"])])
async def test_what_was_cut_off_before_its_end_is_no_request(
    sent: bytes, taken: list[bytes]
) -> None:
    with receiving() as receiver:
        address = urlsplit(receiver.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(HEAD + sent)
        writer.write_eof()
        # The answer, or the end without one.
        await reader.read()
        writer.close()

        async def all_taken() -> bool:
            return [one.body for one in receiver.taken] == taken

        await poll_until(all_taken, f"{taken} taken", timeout_s=5)
        assert len(receiver.seen) == len(taken)
