"""The channels in force while none are stored: those of a file, else the console.

They are announced in the configuration bucket. The API shows them from there and starts a first
change from them, so that it takes none of them away.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from pw_common.documents.channels import CHANNELS_BYTES_MAX, Channel, Channels, channels_of
from pw_common.documents.document import BadDocument, read_file
from pw_common.jetstream.bus import Bus
from pw_common.text.redact import shown_path
from pw_common.topology.subjects import BUCKET_CONFIG, KEY_CHANNELS_FILE

# Without any channel, alerts go to the service's own output.
CONSOLE: Final = Channels(entries=(Channel(name="console", kind="console"),))


class ChannelFile:
    """A file that somebody may be writing at this moment, or none."""

    def __init__(self, bus: Bus, path: Path | None) -> None:
        self._bus = bus
        self._path = path
        self._seen: bytes | None = None
        self._found: Channels | None = None
        self._announced: bytes | None = None

    async def channels(self) -> Channels:
        """The channels in force; announced before anything else is done with them.

        Raises:
            BadDocument, OSError: the file cannot be used.
            BrokerAway, ApiRefused: from the broker.
        """
        if self._path is None:
            await self._announce(b"")
            return CONSOLE
        self._found = self._read(self._path)
        await self._announce(msgspec.json.encode({"entries": self._found.entries}))
        return self._found

    def _read(self, path: Path) -> Channels:
        if not path.is_file():
            # Opening a pipe would wait for somebody to write into it.
            raise BadDocument([f"there is no file {shown_path(path)}"])
        body = read_file(path, CHANNELS_BYTES_MAX)
        found = channels_of(body)
        settled = body == self._seen
        self._seen = body
        # Half of a list is a list too: a changed file is taken when it no longer changes.
        return found if settled or self._found is None else self._found

    async def _announce(self, value: bytes) -> None:
        if value == self._announced:
            return
        there = await self._bus.kv_get(BUCKET_CONFIG, KEY_CHANNELS_FILE)
        if value and (there is None or there[0] != value):
            # Only the newest is kept: the bucket has no room for a history of these.
            await self._bus.kv_put(BUCKET_CONFIG, KEY_CHANNELS_FILE, value, only=True)
        elif not value and there is not None:
            await self._bus.kv_delete(BUCKET_CONFIG, KEY_CHANNELS_FILE)
        self._announced = value
