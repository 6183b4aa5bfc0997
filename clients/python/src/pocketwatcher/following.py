"""Alerts as they come: one after the other, each once, also when the connection breaks.

| state     | what `next` does                                              | then         |
| --------- | ------------------------------------------------------------- | ------------ |
| connected | gives an alert that has come, or waits for the next bytes      | broken       |
| broken    | waits a little longer each time, asks for what comes after the | connected    |
|           | last alert that it gave                                        |              |
| closed    | ends                                                           |              |

The API names a place (`Last-Event-ID`) before the first alert, so that nothing is lost either where
the connection breaks before it. What would fail again, as a wrong token does, is raised.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections import deque
from collections.abc import Callable, Iterator
from threading import Event as Flag
from threading import Lock
from types import TracebackType
from typing import Final, Self

import httpx

from pocketwatcher.errors import BadAnswer, Failed, NotNow, NotReached, PocketwatcherError, plain
from pocketwatcher.events import Event, EventParser, TooLong
from pocketwatcher.models import Alert, decoded
from pocketwatcher.transport import Transport

PATH: Final = "/alerts/stream"
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 15.0
# From here on the wait does not grow.
DOUBLINGS_MAX: Final = 5
# The reader notices that it is closed long before; it then cleans up itself.
CLOSE_S: Final = 1.0
SEQ_MAX: Final = 2**53
LOG: Final = logging.getLogger("pocketwatcher")


class Following(Iterator[Alert]):
    """Alerts from now on, or from after `after`: an iterator, and a context manager that ends it.

    `seq` is the place of the last alert that it gave, None before the API has named one. One thread
    reads; any may close.
    """

    def __init__(
        self, transport: Transport, after: int | None, ended: Callable[[Following], None]
    ) -> None:
        self.seq = after
        self._transport = transport
        self._ended = ended
        self._stopped = Flag()
        # Held while bytes are read: what is read from is not closed meanwhile.
        self._reading = Lock()
        self._waiting: deque[Event] = deque()
        self._answer: httpx.Response | None = None
        self._chunks: Iterator[bytes] = iter(())
        self._parser = EventParser()
        self._attempt = 0
        # At once, so that "from now on" is from here, and a wrong token is known here.
        self._connect()
        try:
            self._see_place()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    def __next__(self) -> Alert:
        """The next alert, however long it takes; ends when this is closed.

        Raises:
            Refused, BadAnswer: asking again would not help.
        """
        try:
            while not self._stopped.is_set():
                if self._waiting:
                    alert = self._taken(self._waiting.popleft())
                    if alert is not None:
                        return alert
                elif self._answer is not None:
                    self._read()
                else:
                    self._connect_again()
        except BaseException:
            self.close()
            raise
        self.close()
        raise StopIteration

    def close(self) -> None:
        """End it, also from another thread while `next` waits."""
        self._stopped.set()
        if self._reading.acquire(blocking=False) or self._woken():
            try:
                self._drop()
            finally:
                self._reading.release()
        self._ended(self)

    def _woken(self) -> bool:
        """Have whoever reads find the end of the connection; whether the reading then ended."""
        answer = self._answer
        stream = None if answer is None else answer.extensions.get("network_stream")
        if stream is not None:
            with contextlib.suppress(OSError, AttributeError, TypeError):
                # Not by the method of a TLS socket, which would forget its keys meanwhile.
                socket.socket.shutdown(stream.get_extra_info("socket"), socket.SHUT_RDWR)
        return self._reading.acquire(timeout=CLOSE_S)

    def _connect(self) -> None:
        headers = {} if self.seq is None else {"Last-Event-ID": str(self.seq)}
        self._parser = EventParser()
        self._answer = self._transport.stream(PATH, headers)
        self._chunks = self._answer.iter_raw()

    def _connect_again(self) -> None:
        try:
            with self._reading:
                if not self._stopped.is_set():
                    self._connect()
        except (NotReached, NotNow, Failed) as error:
            least_s = (error.retry_after_s or 0) if isinstance(error, NotNow) else 0
            self._wait(str(error), least_s)

    def _read(self) -> None:
        """Take the bytes that come next, and the events that they complete."""
        why = "the API ended it"
        try:
            with self._reading:
                chunk = b"" if self._stopped.is_set() else next(self._chunks, b"")
                if chunk:
                    self._waiting.extend(self._parser.feed(chunk))
                    return
                self._drop()
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            why = type(error).__name__
            self._drop()
        except TooLong as error:
            raise BadAnswer(f"the stream of alerts cannot be read: {error}") from error
        self._wait(f"the connection broke: {why}", 0)

    def _drop(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            with contextlib.suppress(httpx.HTTPError, httpx.StreamError, OSError):
                answer.close()

    def _wait(self, why: str, least_s: float) -> None:
        if self._stopped.is_set():
            return
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(self._attempt, DOUBLINGS_MAX))
        wait_s = min(max(wait_s, least_s), LONGEST_WAIT_S)
        self._attempt += 1
        LOG.warning("following alerts: %s; trying again in %g s", plain(why), wait_s)
        self._stopped.wait(wait_s)

    def _see_place(self) -> None:
        """Know the place that the first event names, so that a break before an alert loses none.

        Raises:
            NotReached: the connection broke before that.
        """
        while self.seq is None and self._answer is not None and not self._waiting:
            self._read()
        if self._waiting and not self._waiting[0].data:
            self._taken(self._waiting.popleft())
        elif self.seq is None and not self._waiting:
            raise NotReached("the stream of alerts ended before it began: ask again")

    def _taken(self, event: Event) -> Alert | None:
        """The alert of an event; None where it is none."""
        # A place alone is what every connection begins with; anything more is a sign of life.
        if event.name != "error" and (event.data or event.id is None):
            self._attempt = 0
        if event.name == "error":
            LOG.warning("following alerts: the API says: %s", plain(event.data))
        alert = None
        if event.name == "alert" and event.data:
            try:
                alert = decoded(event.data, Alert)
            except PocketwatcherError as error:
                # As a page leaves it out; what comes after it is not lost for it.
                LOG.warning("following alerts: %s is left out: %s", plain(str(event.id)), error)
        if event.id is not None and event.id.isascii() and event.id.isdigit():
            # Digits alone may still be too many.
            self.seq = int(event.id) if len(event.id) <= len(str(SEQ_MAX)) else self.seq
        return alert
