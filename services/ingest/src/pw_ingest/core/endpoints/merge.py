"""Several endpoints of one source: the first copy of everything wins.

Whatever one endpoint closes is complete, since it sent all of it; so the chain may follow
the blocks of any of them. Only where a stream begins in the middle of a slot its own block
says nothing about that slot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pw_common.ordering.dedup import SeenWindow
from pw_ingest.core.sequencing.identity import META, SLOT, TX, Seen

# Copies that come later than this belong to slots that were complete long before.
BEHIND_MAX: Final = 300
# Whatever is this far ahead of the others is another chain, not a faster node.
AHEAD_MAX: Final = 1_500
# Nor is a slot that copies cannot reach, and whose block times our clock knows less of.
CLOCK_AHEAD_MS: Final = 20_000
KEYS_MAX: Final = 1_000_000


@dataclass
class View:
    """What is known of one endpoint. `wrong` says why it is not listened to.

    `ahead_ms` is how far its newest block's time is ahead of our clock.
    """

    tip: int = 0
    is_open: bool = False
    fresh: bool = False
    wrong: str = ""
    ahead_ms: int = 0
    firsts: int = 0
    copies: int = 0


class Merge:
    """Decides for each update of each endpoint whether it is new."""

    def __init__(self, endpoints: int) -> None:
        self.views = [View() for _ in range(endpoints)]
        self._seen = SeenWindow(slots_max=2 * BEHIND_MAX, keys_max=KEYS_MAX)

    def opened(self, endpoint: int, *, is_live: bool) -> None:
        """A stream begins; `is_live` where it begins now and not at a slot."""
        view = self.views[endpoint]
        view.is_open, view.fresh, view.wrong = True, is_live, ""

    def closed(self, endpoint: int) -> None:
        """Its stream ended."""
        self.views[endpoint].is_open = False

    def others_open(self, endpoint: int) -> bool:
        """Whether another endpoint's stream carries on."""
        return any(
            view.is_open and not view.wrong and view.tip
            for at, view in enumerate(self.views)
            if at != endpoint
        )

    def behind_slot(self) -> int | None:
        """Where the slowest stream is, of those that may still bring what the others lack."""
        tips = [view.tip for view in self.views if view.is_open and not view.wrong and view.tip]
        newest = max(tips, default=0)
        return min((tip for tip in tips if tip >= newest - BEHIND_MAX), default=None)

    def leads(self, endpoint: int) -> bool:
        """Whether it is the first connected endpoint: only its word on breaks counts."""
        for at, view in enumerate(self.views):
            if view.is_open and not view.wrong:
                return at == endpoint
        return True

    def admits(self, endpoint: int, seen: Seen, complete_slot: int) -> bool:
        """Whether to take this update.

        Args:
            endpoint: The endpoint that sent it.
            seen: Its facts.
            complete_slot: Up to here everything was received from somewhere.
        """
        view, identity = self.views[endpoint], seen.identity
        slot = identity.slot
        if identity.kind not in {TX, META, SLOT} or not slot:
            return self.leads(endpoint)
        view.tip = max(view.tip, slot)
        if self._is_wrong(endpoint, slot):
            return False
        # Alone it brings no copies: what is far below then is for the chain to judge.
        if slot < complete_slot - BEHIND_MAX and self.others_open(endpoint):
            view.copies += 1
            return False
        if identity.kind == META and view.fresh:
            # The slot in whose middle it began.
            view.fresh = False
            return not self.others_open(endpoint)
        # A slot has one block: a header with another hash is a fork's or a lie, and comes second.
        key = b"" if identity.kind == META else identity.key
        if not self._seen.first_time((identity.kind, slot, key), slot):
            view.copies += 1
            return False
        view.firsts += 1
        return True

    def _is_wrong(self, endpoint: int, slot: int) -> bool:
        """Judged by the endpoints before it, and by all whose times agree better with our clock."""
        view = self.views[endpoint]
        for at, other in enumerate(self.views):
            if at == endpoint or not other.is_open or not other.tip:
                continue
            ahead = slot - other.tip
            if at < endpoint and ahead > AHEAD_MAX:
                view.wrong = f"{ahead} slots ahead of another endpoint: another chain?"
                return True
            if ahead > BEHIND_MAX and view.ahead_ms > other.ahead_ms + CLOCK_AHEAD_MS:
                seconds = view.ahead_ms // 1_000
                view.wrong = f"{ahead} slots ahead of another endpoint, {seconds} s of our clock"
                return True
        view.wrong = ""
        return False
