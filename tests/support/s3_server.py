"""A real server that speaks S3, on loopback."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from pw_history.parquet.store import StoreSettings

BUCKET = "history"
SECRET = "a-secret-that-nobody-may-see"


class Server(NamedTuple):
    """A running server with one bucket."""

    url: str
    process: subprocess.Popen[str]

    def settings(self, folder: Path, prefix: str) -> StoreSettings:
        key, secret = folder / "key", folder / "secret"
        key.write_text("AKIAEXAMPLE\n")
        secret.write_text(SECRET + "\n")
        return StoreSettings(
            f"s3://{BUCKET}/{prefix}",
            endpoint=self.url,
            access_key_file=key,
            secret_key_file=secret,
            allow_http=True,
        )

    def refuses_after(self, requests: int) -> None:
        """From now on, signatures are checked after so many requests."""
        httpx.post(f"{self.url}/moto-api/reset-auth", content=str(requests)).raise_for_status()


@contextmanager
def s3_server() -> Iterator[Server]:
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        found = next(
            match for line in process.stderr if (match := re.search(r"http://127\S+:\d+", line))
        )
        # Its log must be read, or it would stop once the pipe is full.
        reader = threading.Thread(target=process.stderr.read, daemon=True)
        reader.start()
        signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/x/us-east-1/s3/y"}
        # Its first answer imports half of it, which a busy machine takes long for.
        httpx.put(f"{found[0]}/{BUCKET}", headers=signed, timeout=120).raise_for_status()
        yield Server(found[0], process)
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stderr.close()
