"""Running `pw capture --rpc` in tests, and what a capture holds."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from pw_common.wire.captures import read_capture
from pw_common.wire.messages import Swap, encode
from pw_geyser import geyser_pb2 as pb
from pw_parser.core.parse import parse
from support.archive_node import Archive

FAST = ("--rpc-rate", "1000", "--patience", "3")


async def pw(*words: str | Path) -> tuple[int, str]:
    process = await start(*words)
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def start(*words: str | Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pw_cli.main", *map(str, words),
        env={**os.environ, "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip


def kinds(path: Path) -> tuple[list[int], list[bytes]]:
    """The slots of a capture's blocks, and its transactions' signatures."""
    metas, signatures = [], []
    for one in read_capture(path):
        update = pb.SubscribeUpdate.FromString(one)
        if update.HasField("block_meta"):
            metas.append(update.block_meta.slot)
        else:
            signatures.append(bytes(update.transaction.transaction.signature))
    return metas, signatures


def swaps(updates: list[bytes]) -> list[bytes]:
    return sorted(
        encode(event) for one in updates for event in parse(one).events if isinstance(event, Swap)
    )


def span(archive: Archive) -> tuple[int, int, list[int]]:
    slots = sorted(archive.blocks)
    return slots[5], slots[-5], slots[5:-4]


def capture(archive: Archive, out: Path, *more: str) -> tuple[str | Path, ...]:
    first, last, _ = span(archive)
    return (
        "capture", "--rpc", archive.url, "--slots", f"{first}-{last}", "--out", out, *FAST, *more,
    )  # fmt: skip
