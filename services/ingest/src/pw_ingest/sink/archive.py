"""Raw updates kept as capture files: written before they are published.

One zstd frame a file, flushed after every batch, so that a crash costs at most
the end of the frame. A file is `.part` until it is whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import zstandard

from pw_common.process.clock import monotonic_s, now_ms
from pw_common.wire.envelope import ZSTD_LEVEL
from pw_common.wire.framing import join


class Archive:
    """A folder of captures, bounded by bytes and age."""

    def __init__(
        self, folder: Path, source: str, *, minutes: float, bytes_max: int, hours_max: float
    ) -> None:
        self._folder = folder
        self._source = source
        self._file_s = minutes * 60
        self._bytes_max = bytes_max
        self._age_ms_max = int(hours_max * 3_600_000)
        self._file: BinaryIO | None = None
        self._part: Path | None = None
        self._zstd: zstandard.ZstdCompressionWriter | None = None
        self._session = 0
        self._opened_s = 0.0
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, updates: Iterable[bytes], *, session: int, slot: int) -> None:
        """Append one batch.

        Raises:
            OSError: the disk refuses.
        """
        now_s = monotonic_s()
        if self._zstd is not None and (
            session != self._session or now_s - self._opened_s >= self._file_s
        ):
            self.close()
        if self._zstd is None:
            self._open(session, slot, now_s)
        if self._zstd is not None:
            self._zstd.write(join(updates))
            self._zstd.flush(zstandard.FLUSH_BLOCK)

    def close(self) -> None:
        """Finish the file at hand."""
        if self._zstd is None or self._file is None or self._part is None:
            return
        self._zstd.flush(zstandard.FLUSH_FRAME)
        self._file.close()
        self._part.rename(self._part.with_suffix(""))
        self._zstd = self._file = self._part = None

    def _open(self, session: int, slot: int, now_s: float) -> None:
        self._trim()
        name = f"{self._source}-{now_ms()}-{session}-{slot}.pb.zst.part"
        self._part = self._folder / name
        self._file = self._part.open("xb")
        compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
        self._zstd = compressor.stream_writer(self._file, closefd=False)
        self._session = session
        self._opened_s = now_s

    def _trim(self) -> None:
        # Names hold their time, so that a copied archive keeps its order.
        files = sorted(
            self._folder.glob(f"{self._source}-*.pb.zst*"), key=lambda path: path.stat().st_mtime
        )
        total = sum(path.stat().st_size for path in files)
        oldest_ms = now_ms() - self._age_ms_max
        for path in files:
            stat = path.stat()
            if total <= self._bytes_max and stat.st_mtime * 1000 >= oldest_ms:
                return
            path.unlink()
            total -= stat.st_size
