"""Whether anybody will still fill a gap in PW_TX's sequences: proven by the broker.

A parser stores its batch before it acknowledges, so a sequence that PW_TX does not hold any
more, and that no batch of PW_SWAP names, never was a message: a broker that crashed between
counting a message and storing it leaves such a number behind.
"""

from __future__ import annotations

from typing import Final

from pw_common.jetstream.bus import ApiRefused, Bus
from pw_common.topology.queue_name import queue_name
from pw_common.topology.subjects import STREAM_SWAP, STREAM_TX

NOT_FOUND: Final = 10037
# Sequences asked for one at a time; a crash leaves a handful among messages that wait.
ASKED_MAX: Final = 64


class SequenceGaps:
    """Asks about one gap at a time."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        # The gap that is asked about, and whose: a restored queue gives numbers out again.
        self._asked: tuple[str, range] = ("", range(0))
        self._read_up_to = 0

    async def never_stored_until(self, missing: range, read_seq: int, queue: str = "") -> int:
        """The last sequence up to which nothing is to come, 0 while that is not proven.

        Args:
            missing: What is waited for.
            read_seq: Up to where PW_SWAP was read.
            queue: The name of the PW_TX whose sequences these are, empty where none is known.
                About another queue the broker proves nothing.

        Raises:
            BrokerAway, ApiRefused: from the broker.
        """
        if not missing:
            return 0
        if (queue, missing) != self._asked:
            if await self._any_is_held(missing, queue):
                return 0
            # Whatever was parsed and acknowledged before is stored at or below this.
            state = (await self._bus.api(f"STREAM.INFO.{STREAM_SWAP}"))["state"]
            self._asked, self._read_up_to = (queue, missing), int(state["last_seq"])
        return missing[-1] if read_seq >= self._read_up_to else 0

    async def is_to_come(self, missing: range) -> bool:
        """Whether the queue has yet to give these out: restored, it ends before its answers do.

        Raises:
            BrokerAway, ApiRefused: from the broker.
        """
        if not missing:
            return False
        state = (await self._bus.api(f"STREAM.INFO.{STREAM_TX}"))["state"]
        return int(state["last_seq"]) < missing[-1]

    def is_asked(self, missing: range, queue: str = "") -> bool:
        """Whether nobody holds these any more: reading on to the end proves them never stored."""
        return bool(missing) and (queue, missing) == self._asked

    async def _any_is_held(self, missing: range, queue: str) -> bool:
        # Below its first message a queue holds nothing, however long the gap: a restored
        # PW_TX is sent again what PW_SWAP has answered already, and that may be thousands.
        info = await self._bus.api(f"STREAM.INFO.{STREAM_TX}")
        state = info["state"]
        if queue and queue_name(info) != queue:
            return True  # Another took its place, of which nothing was read yet.
        if int(state["last_seq"]) < missing[-1]:
            return True  # It was restored, and has yet to give these out again.
        if int(state["first_seq"]) > missing[-1]:
            return False
        if len(missing) > ASKED_MAX:
            return True
        for seq in missing:
            if await self._is_held(seq):
                return True
        return False

    async def _is_held(self, seq: int) -> bool:
        # Asked of the leader: a replica may not know the newest messages.
        try:
            await self._bus.api(f"STREAM.MSG.GET.{STREAM_TX}", {"seq": seq})
        except ApiRefused as error:
            if error.err_code != NOT_FOUND:
                raise
            return False
        return True
