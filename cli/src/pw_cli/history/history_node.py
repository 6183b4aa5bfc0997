"""The node that history is asked from, at a rate, with its answers in order."""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import sys
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from pw_common.process.tasks import end_tasks
from pw_common.text.plain_text import SENTENCE_CHARS_MAX, plain_text
from pw_common.text.redact import keep_secret, redacted, redacted_url
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
    """Arguments that do not name a node; says why."""


def add_node_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how fast a node is asked."""
    parser.add_argument(
        "--rpc-rate",
        type=float,
        metavar="R",
        help=f"requests a second (default: {RATE_PER_S:g})",
    )
    add_patience_argument(parser)


def add_patience_argument(parser: argparse.ArgumentParser) -> None:
    """Declare how long a node is waited for."""
    parser.add_argument(
        "--patience",
        type=float,
        metavar="S",
        help=f"seconds to wait for a node that limits requests or fails (default: {PATIENCE_S:g})",
    )


def check_node(args: argparse.Namespace) -> None:
    """The URL and the numbers of the arguments. Raises BadNode."""
    node_url(args.rpc)
    patience_of(args)
    if "rpc_rate" in args:
        rate_of(args)


def rate_of(args: argparse.Namespace) -> float:
    """Requests a second. Raises BadNode."""
    rate = RATE_PER_S if args.rpc_rate is None else float(args.rpc_rate)
    if not 0 < rate <= RATE_MAX_PER_S:
        raise BadNode(f"--rpc-rate {rate:g}; allowed: above 0, at most {RATE_MAX_PER_S:g}")
    return rate


def patience_of(args: argparse.Namespace) -> float:
    """Seconds for which a node is waited for. Raises BadNode."""
    patience_s = PATIENCE_S if args.patience is None else float(args.patience)
    # Nothing is ever longer than NaN, so such a wait would not end.
    if not 0 <= patience_s < math.inf:
        raise BadNode(f"--patience {patience_s:g}; allowed: a number of seconds, 0 or more")
    return patience_s


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
    url, pace, patience_s = node_url(args.rpc), Pace(rate_of(args)), patience_of(args)
    async with node_client(url, os.environ) as client:
        yield History(url, client, patience_s=patience_s, pace=pace, say=say)


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
