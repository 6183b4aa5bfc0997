"""Which connections there may be, and which one goes when there are too many.

Each counts for its peer. Over a cap the connection goes that has been idle for longest: who
holds many and sends nothing only displaces itself. Where none is idle, a few permits are left
beyond the caps: they answer the health paths, so that probes never starve, and tell
everything else to come again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from pw_api.core.peers import Networks, is_trusted, peer_of

CONNECTIONS_MAX: Final = 256
PER_PEER_MAX: Final = 64
# Beyond the caps, for a moment each.
RESERVE: Final = 32


@dataclass(frozen=True)
class Limits:
    """How long each part of an exchange may take, in seconds, and how many there may be.

    Beside the stream of alerts nothing stays for longer than these, whatever the client does.
    """

    connections_max: int = CONNECTIONS_MAX
    per_peer_max: int = PER_PEER_MAX
    trusted: Networks = ()
    head_s: float = 10.0
    reserve_s: float = 2.0
    body_s: float = 30.0
    answer_s: float = 60.0
    # Without progress in reading an answer.
    stall_s: float = 20.0
    # Of all answers that wait to be read; an answer that goes beyond it is given up.
    buffered_bytes_max: int = 64 * 1024 * 1024
    # Called with the reason for each connection that was not left to end by itself.
    on_closed: Callable[[str], None] = field(default=lambda _why: None)


class Connection(Protocol):
    """What is counted here."""

    peer: str
    capped: bool
    reserved: bool

    def displace(self) -> None:
        """End at once."""

    @property
    def buffered(self) -> int:
        """Bytes that wait to be read."""


class Connections:
    """All connections of a server."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._of_peer: Counter[str] = Counter()
        self._held: set[Connection] = set()
        self._reserved = 0
        # In the order in which they fell idle.
        self._idle: dict[Connection, None] = {}
        self._requests: Counter[str] = Counter()

    def enter(self, connection: Connection, host: str) -> bool:
        """Count a new connection and give it a permit; False where there is none at all."""
        peer = peer_of(host)
        capped = not is_trusted(host, self.limits.trusted)
        connection.peer, connection.capped = peer, capped
        over_peer = capped and self._of_peer[peer] >= self.limits.per_peer_max
        fits = not over_peer or self._make_room(lambda one: one.peer == peer)
        if fits and len(self._held) - self._reserved >= self.limits.connections_max:
            fits = self._make_room(lambda _one: True)
        connection.reserved = not fits
        is_full = connection.reserved and self._reserved >= RESERVE
        if is_full and not self._make_room(lambda _one: True, reserved=True):
            self.limits.on_closed("refused")
            return False
        self._held.add(connection)
        if connection.reserved:
            self._reserved += 1
        elif capped:
            self._of_peer[peer] += 1
        return True

    def leave(self, connection: Connection) -> None:
        """Forget a connection; safe to call twice."""
        if connection not in self._held:
            return
        self._held.discard(connection)
        self._idle.pop(connection, None)
        if connection.reserved:
            self._reserved -= 1
        elif connection.capped:
            _one_less(self._of_peer, connection.peer)

    def idle(self, connection: Connection) -> None:
        """It waits for a request."""
        if connection in self._held:
            self._idle[connection] = None

    def busy(self, connection: Connection) -> None:
        """A whole request head has come."""
        self._idle.pop(connection, None)

    def buffered(self) -> int:
        """Bytes of all answers that wait to be read."""
        return sum(one.buffered for one in self._held)

    def begin_request(self, peer: str) -> bool:
        """Count a request of a client, who may be one of many behind a proxy."""
        if self._requests[peer] >= self.limits.per_peer_max:
            return False
        self._requests[peer] += 1
        return True

    def end_request(self, peer: str) -> None:
        """The request is answered, or given up."""
        _one_less(self._requests, peer)

    def _make_room(self, matches: Callable[[Connection], bool], *, reserved: bool = False) -> bool:
        for one in self._idle:
            if one.reserved == reserved and matches(one):
                self.leave(one)
                one.displace()
                self.limits.on_closed("displaced")
                return True
        return False


def _one_less(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
