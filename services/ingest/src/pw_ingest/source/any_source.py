"""What every source is to the rest of ingest, whatever protocol it speaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.rpc.follow import Break

# gRPC's words for it.
TOO_LARGE: Final = "larger than max"


@dataclass(frozen=True)
class StreamEnded(Exception):
    """The stream is over: gRPC's status name and the source's words."""

    code: str
    details: str

    @property
    def is_too_large(self) -> bool:
        """Whether it ended at an update that is larger than we take."""
        return self.code == "RESOURCE_EXHAUSTED" and TOO_LARGE in self.details

    def __str__(self) -> str:
        return f"{self.code}: {self.details}" if self.details else self.code


class AnySource(Protocol):
    """One endpoint. `open` a stream, then `read` until it ends."""

    # When our last ping went out on this stream, in monotonic seconds.
    pinged_at_s: float | None

    @property
    def seen_permille(self) -> int | None:
        """How many of a thousand recent blocks were seen; None where none is left out."""

    @property
    def sampled(self) -> str:
        """Why not all blocks are seen, in words; empty where they are."""

    async def open(self, from_slot: int | None, wanted: pb.SubscribeRequest) -> None:
        """Begin at a slot of the past, or live. Raises StreamEnded."""

    async def read(self) -> bytes | Break:
        """The next update, or the break before it. Raises StreamEnded."""

    async def takes(self, wanted: pb.SubscribeRequest) -> StreamEnded | None:
        """Try another subscription beside the open stream; None where it gives data."""

    async def first_available(self) -> int | None:
        """The oldest slot that the source can give, or None when it does not say."""

    async def slot(self) -> int | None:
        """The newest slot of the endpoint, or None when it does not say."""

    def send_filter(self) -> None:
        """Send the subscription again on the open stream."""

    def cancel(self) -> None:
        """End the stream from our side; a pending `open` or `read` then raises StreamEnded."""

    async def close_stream(self) -> None:
        """End the stream."""

    async def close(self) -> None:
        """End everything."""
