"""A backup's folder: one file a stream, and a manifest that is written last.

A folder without a manifest is a backup that was not finished. Names of files come from the
streams that we know, never from the manifest, so that a manifest cannot point elsewhere.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Final

import msgspec

from pw_common.topology import subjects
from pw_common.topology.queue_name import METADATA_RESTORED, restored_mark
from pw_common.topology.streams import METADATA_CREATED

FORMAT: Final = 1
NAME: Final = "manifest.json"
FOLDER_MODE: Final = 0o700
# Channels in `pw_config` hold secrets.
FILE_MODE: Final = 0o600
READ_BYTES: Final = 1 << 20

# The order of taking, in which no copy may claim what an earlier one lacks: a claim is copied
# before what it claims, and a queue before the answers to what leaves it. docs/adr/0011.
TAKEN: Final = (
    f"KV_{subjects.BUCKET_DETECTOR}",
    f"KV_{subjects.BUCKET_CONFIG}",
    subjects.STREAM_ALERT,
    f"KV_{subjects.BUCKET_SOURCE}",
    subjects.STREAM_GAP,
    subjects.STREAM_TX,
    subjects.STREAM_DLQ,
    subjects.STREAM_SWAP,
    # What the stamps of messages in the queue name.
    f"KV_{subjects.BUCKET_PROGRAMS}",
    f"KV_{subjects.BUCKET_HOT}",
    f"KV_{subjects.BUCKET_TOKENS}",
    f"KV_{subjects.BUCKET_OUTBOX}",
)
# Heartbeats are worth 15 seconds, and a node is asked again for what it said: `provision` makes
# these buckets again, empty.
NOT_TAKEN: Final = (f"KV_{subjects.BUCKET_INSTANCES}", f"KV_{subjects.BUCKET_FACTS}")
# The queue is given back last: a service that was not stopped finds no work before.
GIVEN: Final = (*(name for name in TAKEN if name != subjects.STREAM_TX), subjects.STREAM_TX)


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """One stream as it was copied. `stored_bytes` is what it held, `size_bytes` its file.

    Messages and sequences are those of the beginning: a stream under load may have grown until
    `ended_ms`. `config` and `state` are what the broker said, for the broker.
    """

    name: str
    created: str
    messages: int
    stored_bytes: int
    first_seq: int
    last_seq: int
    size_bytes: int
    sha256: str
    began_ms: int
    ended_ms: int
    config: dict[str, Any]
    state: dict[str, Any]


class HistoryCopy(msgspec.Struct, frozen=True, kw_only=True):
    """History's file as it was copied."""

    size_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder holds, in the order in which it was taken.

    `history` was taken before all of `copies`, since its position claims what they hold; null where
    no history ran.
    """

    format: int
    version: str
    broker_version: str
    taken_at_ms: int
    copies: tuple[Copy, ...]
    history: HistoryCopy | None = None


class Unusable(Exception):
    """A folder that is not a whole backup; says which file and what to do."""


def file_of(folder: Path, name: str) -> Path:
    """Where a stream's copy lies."""
    return folder / f"{name}.snapshot"


def history_of(folder: Path) -> Path:
    """Where the copy of history's file lies."""
    return folder / "history.duckdb"


def make_folder(folder: Path) -> None:
    """A folder of our own, for nobody else to read.

    Raises:
        Unusable: something is in it, or it cannot be made.
    """
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise Unusable(f"{folder} is not empty: name a folder that is new or empty")
        folder.chmod(FOLDER_MODE)
    except OSError as error:
        raise Unusable(f"{folder} cannot be used: {error}") from error


def open_new(path: Path) -> int:
    """A descriptor of a new file that only its owner may read. Raises OSError."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)


def write(folder: Path, manifest: Manifest) -> None:
    """Put the manifest beside the copies, whole or not at all. Raises OSError."""
    part = folder / f"{NAME}.part"
    descriptor = open_new(part)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / NAME)
    # The name itself must be on the disk too.
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def read(folder: Path) -> Manifest:
    """The manifest of a finished backup.

    Raises:
        Unusable: there is none, or it is not ours.
    """
    path = folder / NAME
    if not folder.is_dir():
        raise Unusable(f"{folder}: no such folder")
    if not path.is_file():
        raise Unusable(
            f"{folder} has no {NAME}: this backup was not finished, and its files prove nothing; "
            "take another one"
        )
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise Unusable(f"{path} cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise Unusable(f"{path}: format {manifest.format}, this version reads {FORMAT}")
    if strange := sorted({one.name for one in manifest.copies} - set(TAKEN)):
        raise Unusable(f"{path} names {', '.join(strange)}, which no backup holds")
    return manifest


def check(folder: Path, copy: Copy) -> None:
    """That a copy's file is byte for byte what was taken, in bounded memory.

    Raises:
        Unusable: it is missing, cut or changed.
    """
    check_file(file_of(folder, copy.name), copy.size_bytes, copy.sha256)


def check_file(path: Path, wanted_bytes: int, sha256: str) -> None:
    """The same of any file.

    Raises:
        Unusable: it is missing, cut or changed.
    """
    digest = hashlib.sha256()
    size_bytes = 0
    try:
        with path.open("rb") as file:
            while block := file.read(READ_BYTES):
                digest.update(block)
                size_bytes += len(block)
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error}") from error
    if size_bytes != wanted_bytes:
        raise Unusable(f"{path} has {size_bytes} bytes, {wanted_bytes} were taken")
    if digest.hexdigest() != sha256:
        raise Unusable(f"{path} is damaged: its sha-256 is not that of the manifest")


def config_for(copy: Copy, declared: dict[str, Any] | None) -> dict[str, Any]:
    """The configuration to restore with: the copied one, or a declared one instead.

    Either way it says when the stream that it continues was made, and PW_TX where the copy
    ended. What the broker itself wrote into the metadata is left to it.
    """
    config = dict(copy.config if declared is None else declared)
    kept = {
        key: value
        for key, value in (copy.config.get("metadata") or {}).items()
        if not key.startswith("_nats.")
    }
    config["metadata"] = {**kept, METADATA_CREATED: copy.created}
    if copy.name == subjects.STREAM_TX:
        config["metadata"][METADATA_RESTORED] = restored_mark(copy.config, copy.last_seq)
    return config
