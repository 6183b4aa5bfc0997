"""Asking a JSON-RPC node: bounded in size and time, patient where it asks to wait.

A node is not trusted. Its answers are read in pieces up to a bound, a whole exchange has one
deadline, redirects are not followed, and its words are shown without control characters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple, TypeVar

import httpx
import msgspec

from pw_common.ordering.backoff import Backoff
from pw_common.process.clock import monotonic_s, now_ms
from pw_rpc.core.blocks import Block, Parent, Signatures
from pw_rpc.core.unpacked import BadAnswer, Unpacked
from pw_rpc.pace import Pace

__all__ = ["BadAnswer", "Denied", "Limited", "NodeFailed", "NotHad", "Rpc", "decode", "visible"]

# For one request and its whole answer.
DEADLINE_S: Final = 60.0
# A block of mainnet takes up to some 20 MB as JSON. Several are held at a time, once more while
# they are read, and all of it within the memory that ingest is given.
ANSWER_BYTES_MAX: Final = 32 * 1024 * 1024
LIST_BYTES_MAX: Final = 1024 * 1024
# Two accounts, of each as much as is asked for.
ACCOUNTS_BYTES_MAX: Final = 64 * 1024
BYTES_MAX: Final = {"getBlocks": LIST_BYTES_MAX, "getMultipleAccounts": ACCOUNTS_BYTES_MAX}
PIECE_BYTES: Final = 64 * 1024
# How long one request is tried again while the node limits, fails or is silent.
PATIENCE_S: Final = 120.0
# A node that has never answered is more likely a wrong address than a resting node.
PATIENCE_UNKNOWN_S: Final = 5.0
PAUSE: Final = Backoff(first_s=0.5, most_s=30.0)
SHOWN_MAX: Final = 200

# "Later": node is behind, a slot of the context is not reached, and what services say of limits.
LATER: Final = frozenset({-32005, -32016, -32029, -32429, 429})
TOO_MANY: Final = 429
# Of these, the ones about how often we ask.
LIMITS: Final = frozenset({-32029, -32429, 429})
TIMED_OUT: Final = 408
DENIED: Final = frozenset({401, 403})
# What a node is asked for as the highest version of transactions, in this order: any at all,
# since an unread transaction costs only itself, and without this the node keeps the whole block.
VERSIONS_ASKED: Final = (127, 1, 0)
# How nodes refuse a request whose options they do not take.
BAD_OPTIONS: Final = frozenset({-32600, -32602})
VERSION_OPTION: Final = "maxSupportedTransactionVersion"
UNSUPPORTED_VERSION: Final = -32015

T = TypeVar("T")


class NotHad(RuntimeError):
    """The node answered that it does not have it, for whatever reason; never that it is not."""


class _RefusedOptions(NotHad):
    """The node calls the request wrong; with other options it may not."""


class NodeFailed(RuntimeError):
    """The node gives nothing more, or not now; says what it said."""


class Denied(NodeFailed):
    """The node does not let us in: trying again does not help."""


class Limited(NodeFailed):
    """The node asks for a longer pause than we have patience for; it may have what was asked."""


class _Later(RuntimeError):
    """Worth another try, after `after_s` where the node said so; `limited`: we asked too often."""

    def __init__(
        self,
        what: str,
        after_s: float | None = None,
        *,
        answered: bool = True,
        limited: bool = False,
    ) -> None:
        super().__init__(what)
        self.after_s = after_s
        self.answered = answered
        self.limited = limited


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Reply(msgspec.Struct):
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _Error | None = None
    id: int | str | None = None


class Asks(NamedTuple):
    """What it is asked for, and how. `compressed`: a followed chain is a fifth of its size."""

    commitment: str = "confirmed"
    compressed: bool = False


class Rpc:
    """One JSON-RPC node. `say` takes a line for a person when it waits.

    With a `pace` every request waits for its turn, and a node that limits us rests all of them.
    """

    def __init__(
        self,
        url: str,
        client: httpx.AsyncClient,
        *,
        patience_s: float = PATIENCE_S,
        deadline_s: float = DEADLINE_S,
        asks: Asks | None = None,
        pace: Pace | None = None,
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._url = url
        self._client = client
        self._patience_s = patience_s
        self._deadline_s = deadline_s
        asks = asks if asks is not None else Asks()
        self._commitment = asks.commitment
        self._pace = pace
        # Without compression that is some 10 MB of JSON a second.
        self._encodings = ("gzip", "identity") if asks.compressed else ("identity",)
        self._say = say
        self._count = 0
        self._has_answered = False
        self._version_at = 0

    async def produced(self, first_slot: int, last_slot: int) -> list[int]:
        """The slots of a span, both ends inclusive, that the node lists as having a block.

        What it leaves out may have one all the same. Raises NotHad, BadAnswer, NodeFailed.
        """
        params = [first_slot, last_slot, {"commitment": self._commitment}]
        found = await self._call("getBlocks", f"slots {first_slot} to {last_slot}", params)
        slots = decode(found, list[int])
        return sorted({slot for slot in slots if first_slot <= slot <= last_slot})

    async def head(self) -> int:
        """The newest slot. Raises NotHad, BadAnswer, NodeFailed."""
        found = await self._call("getSlot", "now", [{"commitment": self._commitment}])
        return decode(found, int)

    async def first_available(self) -> int:
        """The oldest slot whose block it keeps. Raises NotHad, BadAnswer, NodeFailed."""
        return decode(await self._call("getFirstAvailableBlock", "now", []), int)

    async def block(self, slot: int) -> Block:
        """A whole block. Raises NotHad, BadAnswer, NodeFailed."""
        return decode(await self.block_json(slot), Block)

    async def block_json(self, slot: int) -> bytes:
        """A whole block as it came, for `decode`. Raises NotHad, BadAnswer, NodeFailed."""
        return await self._get_block(slot, "full")

    async def parent(self, slot: int) -> Parent:
        """Only a block's links in the chain. Raises NotHad, BadAnswer, NodeFailed."""
        return decode(await self._get_block(slot, "none"), Parent)

    async def signatures(self, slot: int) -> list[str]:
        """The signatures of a block's transactions. Raises NotHad, BadAnswer, NodeFailed."""
        return decode(await self._get_block(slot, "signatures"), Signatures).signatures

    async def _get_block(self, slot: int, details: str) -> bytes:
        """Asks for the highest version of transactions that the node accepts, and remembers it."""
        refused: _RefusedOptions | None = None
        for at in range(self._version_at, len(VERSIONS_ASKED)):
            options = {
                "encoding": "base64",
                "transactionDetails": details,
                "rewards": False,
                "commitment": self._commitment,
                VERSION_OPTION: VERSIONS_ASKED[at],
            }
            try:
                found = await self._call("getBlock", f"slot {slot}", [slot, options])
            except _RefusedOptions as error:
                refused = refused or error
            else:
                self._version_at = at
                return found
        raise NotHad(str(refused))

    async def _call(self, method: str, of: str, params: list[object]) -> bytes:
        began_s = monotonic_s()
        pauses = 0
        while True:
            try:
                found = await self._ask(method, params)
            except _Later as later:
                self._has_answered = self._has_answered or later.answered
                wait_s = (
                    PAUSE.longest_s(pauses) if later.after_s is None else max(later.after_s, 0.1)
                )
                if self._pace is not None and (later.limited or later.after_s is not None):
                    self._pace.rest(wait_s)
                patience_s = self._patience_s
                if not self._has_answered:
                    patience_s = min(patience_s, PATIENCE_UNKNOWN_S)
                waited_s = monotonic_s() - began_s
                if waited_s + wait_s > patience_s:
                    asked = "" if later.after_s is None else f", it asks to wait {wait_s:.0f} s"
                    tried = f"tried for {waited_s:.0f} s"
                    kind = Limited if later.limited or later.after_s is not None else NodeFailed
                    why = f"{method} of {of}: {later} ({tried}{asked})"
                    if kind is Limited:
                        self._say(why)
                    raise kind(why) from later
                self._say(f"{method} of {of}: {later}; waits {wait_s:.1f} s")
                await asyncio.sleep(wait_s)
                pauses += 1
            else:
                self._has_answered = True
                return found

    async def _ask(self, method: str, params: list[object]) -> bytes:
        if self._pace is not None:
            await self._pace.turn()
        self._count += 1
        number = self._count
        body = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        try:
            async with asyncio.timeout(self._deadline_s):
                bytes_max = BYTES_MAX.get(method, ANSWER_BYTES_MAX)
                status, raw = await self._exchange(msgspec.json.encode(body), bytes_max)
        except TimeoutError as error:
            raise _Later(f"no whole answer in {self._deadline_s:g} s") from error
        except httpx.TransportError as error:
            connected = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            raise _Later(type(error).__name__, answered=connected) from error
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise NodeFailed(f"{method}: {type(error).__name__}") from error
        reply = _reply(status, raw)
        if reply.error is not None:
            said = f"{visible(reply.error.message)} ({reply.error.code})"
            if reply.error.code in LATER:
                raise _Later(said, limited=reply.error.code in LIMITS)
            if _refuses_options(reply.error):
                raise _RefusedOptions(said)
            raise NotHad(said)
        if reply.id not in {None, number, str(number)}:
            raise BadAnswer(f"an answer to another request (id {visible(str(reply.id))})")
        found = bytes(reply.result)
        if found == b"null":
            raise NotHad("null")
        return found

    async def _exchange(self, body: bytes, bytes_max: int) -> tuple[int, bytes]:
        accepted = ", ".join(self._encodings)
        headers = {"Content-Type": "application/json", "Accept-Encoding": accepted}
        timeout = httpx.Timeout(self._deadline_s)
        async with self._client.stream(
            "POST", self._url, content=body, headers=headers, timeout=timeout
        ) as answer:
            status = answer.status_code
            if status in {TOO_MANY, TIMED_OUT} or status >= httpx.codes.INTERNAL_SERVER_ERROR:
                after_s = _retry_after_s(answer.headers.get("Retry-After"))
                raise _Later(f"HTTP {status}", after_s, limited=status == TOO_MANY)
            if status in DENIED:
                raise Denied(f"HTTP {status}: the node denies us")
            if answer.is_redirect:
                raise NodeFailed(f"HTTP {status}: a redirect, which is not followed")
            encoding = answer.headers.get("Content-Encoding", "identity").lower()
            if encoding not in self._encodings:
                raise BadAnswer(f"an answer in the encoding {visible(encoding)}, not as asked for")
            unpacked = Unpacked(bytes_max, gzip=encoding == "gzip")
            async for piece in answer.aiter_raw(PIECE_BYTES):
                unpacked.add(piece)
            return status, unpacked.whole()


def _refuses_options(error: _Error) -> bool:
    # A node that meets a newer version names the option too, as advice.
    named = VERSION_OPTION in error.message and error.code != UNSUPPORTED_VERSION
    return named or error.code in BAD_OPTIONS


def _reply(status: int, raw: bytes) -> _Reply:
    try:
        reply = msgspec.json.decode(raw, type=_Reply)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        if status != httpx.codes.OK:
            raise NodeFailed(f"HTTP {status} without a JSON-RPC answer") from error
        raise BadAnswer(f"no JSON-RPC answer: {visible(str(error))}") from error
    if status != httpx.codes.OK and reply.error is None:
        raise NodeFailed(f"HTTP {status}")
    return reply


def decode(raw: bytes, kind: type[T]) -> T:
    """An answer's result in the type that it should have. Raises BadAnswer."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BadAnswer(visible(str(error))) from error


def _retry_after_s(said: str | None) -> float | None:
    """Retry-After as seconds: a number of them, or a date."""
    if not said:
        return None
    if said.strip().isascii() and said.strip().isdigit():
        return float(said.strip()[:9])
    try:
        at = parsedate_to_datetime(said)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return max(0.0, at.timestamp() - now_ms() / 1000)
    except (ValueError, TypeError, OverflowError):
        return None  # No date, or one of no calendar.


def visible(text: str) -> str:
    """A node's words, fit for a terminal: one line, bounded, nothing that is not printed."""
    return "".join(one if one.isprintable() else "?" for one in text[:SHOWN_MAX])
