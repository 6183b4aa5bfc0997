"""How far a reader of PW_SWAP has come, and which of its messages were no batches: pure."""

from __future__ import annotations

from collections import deque

from pw_common.ordering.assembly import Assembly
from pw_common.topology.streams import PARSER_ACK_PENDING_MAX


class Reading:
    """Follows one reader of PW_SWAP.

    `read_seq` is the newest message that was read, `stored_ms` when it was stored. `unreadable` are
    sequences of messages that are no batches: while one may be the answer that is missing, a gap
    in PW_TX is held and counted, not passed as never stored.
    """

    def __init__(self, start_seq: int) -> None:
        self.start_seq = start_seq
        self.read_seq = start_seq - 1
        self.stored_ms = 0
        self.unreadable: deque[int] = deque(maxlen=PARSER_ACK_PENDING_MAX)

    def read(self, seq: int, stored_ms: int, assembly: Assembly) -> None:
        """The next message of PW_SWAP is a batch."""
        self.read_seq, self.stored_ms = seq, stored_ms
        # With nothing held for as long as a fleet holds messages back, it was a repeat.
        while self.unreadable and not assembly.held:
            if self.unreadable[0] >= seq - PARSER_ACK_PENDING_MAX:
                break
            self.unreadable.popleft()

    def read_unreadable(self, seq: int) -> None:
        """The next message of PW_SWAP is not a batch: it may be the missing one."""
        self.read_seq = seq
        self.unreadable.append(seq)

    def given_up(self, missing: range) -> None:
        """Some of the unreadable batches may have been the answers to these: forget that many."""
        for _ in missing[: len(self.unreadable)]:
            self.unreadable.popleft()

    def again_seq(self, assembly: Assembly) -> int:
        """From where a restart must read: what is held was stored before the newest message."""
        held = [seq for seq in (assembly.oldest_held_seq, *self.unreadable) if seq]
        return min([self.read_seq, *held])
