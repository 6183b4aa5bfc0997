"""History's file in a backup: asked of the service that writes it, which goes on meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Final

import msgspec

from pw_cli.backup import manifest as mf
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.parts import EndedEarly, ask_for_parts
from pw_common.jetstream.requests import NobodyListens, Unanswered
from pw_common.topology.subjects import BACKUP_HISTORY
from pw_common.wire.history import CopyHead

# A copy of many gigabytes is made before its first part comes.
PART_S: Final = 1_800.0
# From then on it is only read and sent.
NEXT_PART_S: Final = 60.0


async def copy_history(
    bus: Bus, folder: Path, begins: Callable[[int], Callable[[int], None]]
) -> mf.HistoryCopy | None:
    """The file as it is at one moment; None where no history runs.

    Args:
        begins: Told how many bytes there will be; gives what is told of each part.

    Raises:
        EndedEarly: history says why it cannot, or the copy is not whole.
        BrokerAway: no part came in time.
        OSError: it cannot be written here.
    """
    digest = hashlib.sha256()
    size_bytes, wanted_bytes = 0, -1
    advance: Callable[[int], None] = lambda _: None  # noqa: E731 - replaced by the first part
    path = mf.history_of(folder)
    parts = ask_for_parts(bus, BACKUP_HISTORY, b"", timeout_s=PART_S)
    try:
        async with aclosing(parts):
            with os.fdopen(mf.open_new(path), "wb") as file:
                while True:
                    async with asyncio.timeout(PART_S if wanted_bytes < 0 else NEXT_PART_S):
                        part = await anext(parts, b"")
                    if not part:
                        break
                    if wanted_bytes < 0:
                        wanted_bytes = msgspec.json.decode(part, type=CopyHead).size_bytes
                        advance = begins(wanted_bytes)
                        continue
                    file.write(part)
                    digest.update(part)
                    size_bytes += len(part)
                    advance(len(part))
                file.flush()
                os.fsync(file.fileno())
    except NobodyListens:
        path.unlink()
        return None
    except (TimeoutError, Unanswered) as error:
        # Without its connection nothing else answers either.
        if isinstance(error, Unanswered) and not bus.connected:
            raise
        raise EndedEarly("history did not go on with its copy: is it running?") from error
    if size_bytes != wanted_bytes:
        raise EndedEarly(f"history's copy has {size_bytes} bytes of {wanted_bytes}")
    return mf.HistoryCopy(size_bytes=size_bytes, sha256=digest.hexdigest())
