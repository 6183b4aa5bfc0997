"""Where the files are kept: a local folder, or a bucket that speaks S3. One client for both."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.store import LocalStore, S3Store

from pw_common.text.redact import shown_path
from pw_history.parquet.faults import FAILURES, NotThere, StoreRefused, fault_of

CHUNK_BYTES: Final = 8 << 20
# Parts of a file that are under way at once; an upload holds so many chunks in memory.
PARTS_MAX: Final = 2
REQUEST_TIMEOUT_S: Final = 60
CREDENTIAL_BYTES_MAX: Final = 4096
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
T = TypeVar("T")


class BadStore(ValueError):
    """The settings name no usable store; says which, never a credential."""


@dataclass(frozen=True, repr=False)
class StoreSettings:
    """Where files are kept.

    `url` is an absolute folder or `s3://bucket/prefix`. The two key files go together; without them
    the machine's own identity is used, as the cloud gives it. `endpoint` is empty for AWS.
    """

    url: str
    endpoint: str = ""
    region: str = "us-east-1"
    access_key_file: Path | None = None
    secret_key_file: Path | None = None
    allow_http: bool = False


class Store:
    """Files by path, below one root. Its calls block, and raise `StoreFault` or `NotThere`."""

    def __init__(self, client: LocalStore | S3Store, root: Path | None) -> None:
        self._client = client
        # Only of a local folder: what is renamed into place must be on the disk before.
        self._root = root

    def put(self, path: str, file: Path) -> None:
        """Store a file whole: nobody ever sees a part of it."""
        _asked(
            f"cannot write {path}",
            lambda: obstore.put(
                self._client, path, file, chunk_size=CHUNK_BYTES, max_concurrency=PARTS_MAX
            ),
        )
        self._flush(path)

    def replace(self, path: str, data: bytes) -> None:
        """Put other bytes in a file's place at once: a reader sees the former or these."""
        what = f"cannot write {path}"
        if self._root is None:
            # One PUT is atomic; parts are not needed for what fits into memory.
            _asked(what, lambda: obstore.put(self._client, path, data, use_multipart=False))
            return
        aside = f"{path}.new"
        _asked(what, lambda: obstore.put(self._client, aside, data, use_multipart=False))
        self._flush(aside)
        _asked(what, lambda: obstore.rename(self._client, aside, path))
        self._flush(path)

    def get(self, path: str) -> bytes:
        """A file's bytes, for files that fit into memory."""
        return _asked(f"cannot read {path}", lambda: bytes(obstore.get(self._client, path).bytes()))

    def save(self, path: str, file: Path) -> None:
        """Copy a stored file to a local one, a chunk at a time."""
        what = f"cannot read {path}"
        _asked(what, lambda: _save(obstore.get(self._client, path).stream(CHUNK_BYTES), file))

    def names(self, folder: str) -> list[str]:
        """The paths of all files in a folder and below it."""
        return _asked(
            f"cannot list {folder}",
            lambda: [one["path"] for some in obstore.list(self._client, folder) for one in some],
        )

    def remove(self, path: str) -> None:
        """Remove a file; one that is not there is no error."""
        try:
            _asked(f"cannot remove {path}", lambda: obstore.delete(self._client, path))
        except NotThere:
            return

    def _flush(self, path: str) -> None:
        if self._root is None:
            return
        file = self._root / path
        for one in (file, *list(file.parents)[: path.count("/") + 1]):
            _asked(f"cannot flush {path}", lambda one=one: _flushed(one))  # type: ignore[misc]


def open_store(settings: StoreSettings) -> Store:
    """The store that the settings name; nothing is asked of it yet.

    Raises:
        BadStore: the settings name none.
        StoreFault: its local folder cannot be made.
    """
    if settings.url.startswith("/"):
        root = Path(settings.url)
        make = lambda: LocalStore(prefix=root, mkdir=True, automatic_cleanup=True)  # noqa: E731
        return Store(_asked(f"cannot make {shown_path(root)}", make), root)
    parts = urlsplit(settings.url)
    if parts.scheme != "s3" or not _BUCKET.fullmatch(parts.netloc) or parts.query or parts.fragment:
        raise BadStore("a store is an absolute folder or s3://BUCKET/PREFIX")
    endpoint = urlsplit(settings.endpoint)
    if settings.endpoint and (endpoint.scheme not in {"http", "https"} or not endpoint.hostname):
        raise BadStore("an endpoint of S3 is https://HOST or https://HOST:PORT")
    if endpoint.username or endpoint.password:
        raise BadStore("an endpoint of S3 carries no credentials: put them into the key files")
    if endpoint.scheme == "http" and not settings.allow_http:
        raise BadStore("the endpoint is plain http, which must be allowed by its own setting")
    config: dict[str, str | bool] = {"region": settings.region}
    if settings.endpoint:
        config["endpoint"] = settings.endpoint.rstrip("/")
    if (settings.access_key_file is None) != (settings.secret_key_file is None):
        raise BadStore("the access key and the secret key go together: set both files or none")
    if settings.access_key_file is not None and settings.secret_key_file is not None:
        config["access_key_id"] = _credential(settings.access_key_file)
        config["secret_access_key"] = _credential(settings.secret_key_file)
    try:
        client = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            client_options={
                "allow_http": settings.allow_http,
                "connect_timeout": timedelta(seconds=10),
                "timeout": timedelta(seconds=REQUEST_TIMEOUT_S),
            },
            # The next turn tries again, so that a turn does not take long where nobody answers.
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=REQUEST_TIMEOUT_S)},
            config=config,  # type: ignore[arg-type]
        )
    except FAILURES:
        raise BadStore("the client of S3 takes no such endpoint or region") from None
    return Store(client, None)


def _credential(path: Path) -> str:
    try:
        with path.open("rb") as file:
            found = file.read(CREDENTIAL_BYTES_MAX).decode("ascii", "replace").strip()
    except OSError as error:
        raise BadStore(f"{shown_path(path)}: {error.strerror}") from error
    if not re.fullmatch(r"[!-~]+", found):
        raise BadStore(f"{shown_path(path)}: a key is one line of printable signs without spaces")
    return found


def _asked(what: str, ask: Callable[[], T]) -> T:
    try:
        return ask()
    except FAILURES as error:
        # The client's own error is not shown: its text may repeat a request with its signature.
        raise fault_of(error, what) from None


def _save(chunks: Iterator[object], file: Path) -> None:
    with file.open("wb") as out:
        for chunk in chunks:
            out.write(memoryview(chunk))  # type: ignore[arg-type]


def _flushed(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


__all__ = ["BadStore", "NotThere", "Store", "StoreRefused", "StoreSettings", "open_store"]
