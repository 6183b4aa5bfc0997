"""Arguments of `pw up` for a JSON-RPC node as the source."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path


def add_rpc_arguments(source: argparse._ArgumentGroup) -> None:
    """Declare them."""
    source.add_argument("--rpc", metavar="URL", help="a JSON-RPC node, with the key in its URL")
    source.add_argument(
        "--rpc-header-file",
        type=Path,
        metavar="F",
        help="file with the header that the node asks for: `x-api-key: SECRET`",
    )
    source.add_argument(
        "--rpc-rate",
        type=float,
        metavar="N",
        help="requests a second that the node's plan allows (default: 8); below 3.4 blocks are "
        "left out, and status says how many",
    )
    source.add_argument(
        "--rpc-daily",
        type=int,
        metavar="N",
        help="requests a day that the plan allows, spread over the day (default: no budget)",
    )
    source.add_argument(
        "--rpc-follow",
        metavar="WHO",
        help="instead of whole blocks, only what names these: addresses, comma separated, a file "
        "with one a line, or `watch` for the watch list",
    )


def rpc_problems(args: argparse.Namespace) -> Iterator[str]:
    """What of them does not go together."""
    for flag, value in (("--capture", args.capture), ("--endpoint", args.endpoint)):
        if args.rpc and value:
            yield f"{flag} and --rpc are two sources: choose one"
    for flag, value in (
        ("--rpc-header-file", args.rpc_header_file),
        ("--rpc-rate", args.rpc_rate),
        ("--rpc-daily", args.rpc_daily),
        ("--rpc-follow", args.rpc_follow),
    ):
        if value is not None and not args.rpc:
            yield f"{flag} belongs to --rpc"
