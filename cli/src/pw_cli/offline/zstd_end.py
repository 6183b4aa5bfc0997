"""Whether a zstd file is whole: its decompressor takes one that is cut for one that ends there.

A file is frames, one after the other: a head, blocks, each with its size in front, and perhaps a
checksum. So where a frame ends is found without decompressing anything (RFC 8878, 3.1).
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, Final

import zstandard

from pw_cli.offline.bad_input import BadInput

HEAD_BYTES_MAX: Final = 18
BLOCK_HEAD_BYTES: Final = 3
CHECKSUM_BYTES: Final = 4
# Of a frame without content, which others may write; its size follows, in four bytes.
SKIPPABLE: Final = range(0x184D2A50, 0x184D2A60)
SKIPPABLE_HEAD_BYTES: Final = 8
# A block of one byte that is repeated: the size is how often.
REPEATED: Final = 1


def check_whole(path: Path) -> None:
    """Raise BadInput where a file breaks off, or is not zstd; OSError where it cannot be read."""
    size = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while at < size:
            at = _frame_end(path, file, at)
            if at > size:
                raise BadInput(f"{path}: breaks off: its zstd has no end")


def _frame_end(path: Path, file: IO[bytes], begin: int) -> int:
    """Where the frame that begins there ends; beyond the end of the file where it breaks off."""
    file.seek(begin)
    head = file.read(HEAD_BYTES_MAX)
    if int.from_bytes(head[:4], "little") in SKIPPABLE:
        size = int.from_bytes(head[4:SKIPPABLE_HEAD_BYTES], "little")
        is_short = len(head) < SKIPPABLE_HEAD_BYTES
        return begin + SKIPPABLE_HEAD_BYTES + (1 << 32 if is_short else size)
    try:
        at = begin + zstandard.frame_header_size(head)
        has_checksum = zstandard.get_frame_parameters(head).has_checksum
    except zstandard.ZstdError as error:
        raise BadInput(f"{path}: cannot be decompressed: {error}, at byte {begin}") from error
    is_last = False
    while not is_last:
        file.seek(at)
        block = file.read(BLOCK_HEAD_BYTES)
        if len(block) < BLOCK_HEAD_BYTES:
            return at + BLOCK_HEAD_BYTES
        found = int.from_bytes(block, "little")
        is_last = bool(found & 1)
        at += BLOCK_HEAD_BYTES + (1 if found >> 1 & 3 == REPEATED else found >> 3)
    return at + (CHECKSUM_BYTES if has_checksum else 0)
