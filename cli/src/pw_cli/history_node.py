"""The node that history is asked from, at a rate, with its answers in order."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from pw_common.plain_text import SENTENCE_CHARS_MAX, plain_text
from pw_common.redact import keep_secret, redacted, redacted_url
from pw_common.tasks import end_tasks
from pw_rpc.client import node_client, url_problem
from pw_rpc.history import History
from pw_rpc.node import PATIENCE_S
from pw_rpc.pace import Pace

# What free plans allow, and the public node for one method.
RATE_PER_S: Final = 4.0
RATE_MAX_PER_S: Final = 1_000.0
# Asked for at once: at four a second an answer may take a second.
IN_FLIGHT: Final = 4
K = TypeVar("K")
V = TypeVar("V")


class BadNode(ValueError):
    """Arguments that name no node; says why."""


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


def node_url(url: str) -> str:
    """A node's URL, which no line shows from now on. Raises BadNode."""
    keep_secret(url)
    if problem := url_problem(url):
        raise BadNode(f"--rpc {redacted_url(url)}: {problem}")
    return url


@asynccontextmanager
async def history_node(
    args: argparse.Namespace, say: Callable[[str], None]
) -> AsyncIterator[History]:
    """The node of the arguments. Raises BadNode."""
    url = node_url(args.rpc)
    if not 0 < args.rpc_rate <= RATE_MAX_PER_S:
        raise BadNode(f"--rpc-rate {args.rpc_rate:g}; allowed: above 0, at most {RATE_MAX_PER_S:g}")
    pace = Pace(args.rpc_rate)
    async with node_client(url, os.environ) as client:
        yield History(url, client, patience_s=args.patience, pace=pace, say=say)


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
