"""The node that history is asked from: a client that keeps a rate, and answers in order."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import httpx

from pw_common.clock import monotonic_s
from pw_common.plain_text import SENTENCE_CHARS_MAX, plain_text
from pw_common.proxies import proxy_of
from pw_common.redact import keep_secret, redacted
from pw_common.tasks import end_tasks
from pw_notifier.bounded import trusted_certificates
from pw_rpc.history import History
from pw_rpc.node import PATIENCE_S

# What free plans allow, and the public node for one method.
RATE_PER_S: Final = 4.0
RATE_MAX_PER_S: Final = 1_000.0
# Asked for at once: at four a second an answer may take a second.
IN_FLIGHT: Final = 4
K = TypeVar("K")
V = TypeVar("V")


class BadNode(ValueError):
    """Arguments that name no node; says why."""


class Paced(httpx.AsyncBaseTransport):
    """Requests evenly spaced, repeated ones too."""

    def __init__(self, inner: httpx.AsyncBaseTransport, per_s: float) -> None:
        self._inner = inner
        self._every_s = 1 / per_s
        self._next_s = 0.0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request in its turn."""
        now_s = monotonic_s()
        wait_s = max(0.0, self._next_s - now_s)
        self._next_s = now_s + wait_s + self._every_s
        await asyncio.sleep(wait_s)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close what sends them."""
        await self._inner.aclose()


def add_node_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how fast a node is asked."""
    parser.add_argument(
        "--rpc-rate",
        type=float,
        default=RATE_PER_S,
        metavar="R",
        help="requests a second (default: %(default)g)",
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=PATIENCE_S,
        metavar="S",
        help="seconds to wait for a node that limits requests or fails (default: %(default)g)",
    )


@asynccontextmanager
async def history_node(
    args: argparse.Namespace, say: Callable[[str], None]
) -> AsyncIterator[History]:
    """The node of the arguments. Raises BadNode."""
    url: str = args.rpc
    if not url.startswith(("http://", "https://")):
        raise BadNode("--rpc takes an http:// or https:// URL")
    if not 0 < args.rpc_rate <= RATE_MAX_PER_S:
        raise BadNode(f"--rpc-rate {args.rpc_rate:g}; allowed: above 0, at most {RATE_MAX_PER_S:g}")
    keep_secret(url)
    transport = httpx.AsyncHTTPTransport(
        verify=trusted_certificates(), proxy=proxy_of(url, os.environ) or None
    )
    async with httpx.AsyncClient(
        trust_env=False, follow_redirects=False, transport=Paced(transport, args.rpc_rate)
    ) as client:
        yield History(url, client, patience_s=args.patience, say=say)


def say_for(command: str) -> Callable[[str], None]:
    """Says a line for people, with no secret in it."""

    def say(line: str) -> None:
        shown = plain_text(redacted(line), SENTENCE_CHARS_MAX)
        sys.stderr.write(f"pw {command}: {shown}\n")
        sys.stderr.flush()

    return say


async def in_order(
    keys: Iterable[K], ask: Callable[[K], Awaitable[V]], width: int = IN_FLIGHT
) -> AsyncGenerator[tuple[K, asyncio.Future[V]], None]:
    """Ask for several at once and give the answers in the order of the keys, as ended futures."""
    left = iter(keys)
    under_way: deque[tuple[K, asyncio.Future[V]]] = deque()
    try:
        while True:
            while len(under_way) < width and (key := next(left, None)) is not None:
                under_way.append((key, asyncio.ensure_future(ask(key))))
            if not under_way:
                return
            await asyncio.wait({under_way[0][1]})
            yield under_way.popleft()
    finally:
        await end_tasks(*(task for _, task in under_way))
