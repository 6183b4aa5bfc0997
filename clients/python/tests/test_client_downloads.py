"""A file is whole or not there, whatever ends its transfer; and it is never held in memory."""

from __future__ import annotations

import resource
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pocketwatcher import (
    BadAnswer,
    BadQuestion,
    BadSetting,
    BrokeOff,
    Client,
    NotNow,
    NotReached,
    NotWritten,
    PocketwatcherError,
    TooManyRows,
)
from pocketwatcher import downloads as downloads_module

HEADS = {
    "Content-Type": "text/csv; charset=utf-8",
    "Pw-History-Slot": "7",
    "Pw-History-Event-Time-Ms": "1790000000000",
    "Pw-History-Swaps-Since-Ms": "1780000000000",
    "Pw-History-Holes": "2",
    "Pw-History-Behind-S": "0.5",
}
CHUNKED = {"Transfer-Encoding": "chunked"}
CSV = b"slot,mint\n1,a\n2,b\n"
PARQUET = b"PAR1 rows PAR1"


def file(body: bytes, status: str = "200 OK", **heads: str | None) -> bytes:
    """A whole answer; heads with None are left out."""
    named = {one.replace("_", "-"): value for one, value in heads.items()}
    all_heads = HEADS | {"Content-Length": str(len(body))} | named
    shown = "".join(f"{one}: {value}\r\n" for one, value in all_heads.items() if value is not None)
    return f"HTTP/1.1 {status}\r\n{shown}\r\n".encode() + body


def chunked(body: bytes, size: int = 4) -> bytes:
    """The same as the API sends it, in chunks with a mark at the end."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    sent = b"".join(f"{len(one):x}\r\n".encode() + one + b"\r\n" for one in pieces)
    return file(sent + b"0\r\n\r\n", Content_Length=None, Transfer_Encoding="chunked")


@pytest.fixture
def client(server: Any) -> Iterator[Client]:
    with Client(server.url, timeout_s=5) as found:
        yield found


def test_a_file_is_what_was_sent_and_says_how_far_history_had_come(
    server: Any, client: Client, tmp_path: Path
) -> None:
    server.answers = [chunked(CSV)]
    path = tmp_path / "swaps.csv"
    path.write_text("what was there before")
    done = client.download_swaps("mint", path, first_ms=1, end_ms=9)
    assert path.read_bytes() == CSV
    assert (done.path, done.size_bytes, done.next_after) == (path, len(CSV), None)
    assert (done.slot, done.event_time_ms, done.swaps_since_ms) == (
        7, 1_790_000_000_000, 1_780_000_000_000,
    )  # fmt: skip
    assert (done.holes, done.behind_s) == (2, 0.5)
    server.answers = [
        file(PARQUET, Content_Type=downloads_module.MEDIA[".parquet"], Pw_Next_After="9.8")
    ]
    done = client.download_wallet_swaps("a/b", f"{tmp_path}/2.parquet", limit=3, after="4.5")
    assert done.next_after == "9.8"
    assert (tmp_path / "2.parquet").read_bytes() == PARQUET
    assert [asked for asked, _ in server.asked] == [
        "/api/v1/tokens/mint/swaps.csv?first_ms=1&end_ms=9&limit=1000000",
        "/api/v1/wallets/a%2Fb/swaps.parquet?after=4.5&limit=3",
    ]
    assert {one.name for one in tmp_path.iterdir()} == {"swaps.csv", "2.parquet"}
    # As any file that this process makes.
    (tmp_path / "other").touch()
    assert (tmp_path / "other").stat().st_mode == path.stat().st_mode


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, len(chunked(CSV)) - 1), st.booleans())
@example(len(chunked(CSV)) - 1, False)
@example(len(chunked(CSV)) - len(b"0\r\n\r\n"), True)
def test_wherever_a_transfer_breaks_there_is_no_file(
    server: Any, client: Client, tmp_path: Path, cut: int, is_there: bool
) -> None:
    path = tmp_path / "swaps.csv"
    path.unlink(missing_ok=True)
    if is_there:
        path.write_text("before")
    server.answers = [chunked(CSV)[:cut]]
    with pytest.raises(NotReached):
        client.download_swaps("mint", path)
    assert [one.read_text() for one in tmp_path.iterdir()] == ["before"] * is_there


@pytest.mark.parametrize(
    ("sent", "kind", "said"),
    [
        (file(CSV, Content_Length="99"), BrokeOff, "broke off after 18 bytes"),
        (chunked(CSV).replace(b"0\r\n\r\n", b"zz\r\n"), BrokeOff, "smaller files"),
        # As a proxy passes on what broke off before it.
        (file(CSV[:-1]), BrokeOff, "its end is missing"),
        (file(b""), BrokeOff, "after 0 bytes"),
        (file(CSV, Content_Length=None), BadAnswer, "whether they are whole"),
        (file(CSV, Content_Encoding="gzip"), BadAnswer, "no file of text/csv"),
        (file(b"<html>log in\n", Content_Type="text/html"), BadAnswer, "no file of text/csv"),
        (file(CSV, Content_Type=None), BadAnswer, "no file of text/csv"),
        (file(CSV, Pw_History_Slot=None), BadAnswer, "pw-history-slot"),
        (file(CSV, Pw_History_Holes="many"), BadAnswer, "pw-history-holes"),
        (file(b"", "307 ?", Location="https://elsewhere.example"), BadAnswer, "elsewhere"),
        (file(b'{"detail": "no"}', "422 ?"), BadQuestion, "no"),
        (file(b"{}", "503 ?", Retry_After="10"), NotNow, "again in 10 s"),
        (file(CSV, Pw_Next_After="9.8"), TooManyRows, "first_ms=, end_ms="),
    ],
)
def test_what_is_no_whole_file_is_an_error_that_says_why_and_leaves_nothing(
    server: Any,
    client: Client,
    tmp_path: Path,
    sent: bytes,
    kind: type[PocketwatcherError],
    said: str,
) -> None:
    server.answers = [sent]
    with pytest.raises(kind) as found:
        client.download_swaps("mint", tmp_path / "swaps.csv")
    assert type(found.value) is kind
    assert said in str(found.value)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_said_before_the_api_begins_its_work(
    server: Any, client: Client, tmp_path: Path
) -> None:
    server.answers = [chunked(CSV)]
    (tmp_path / "folder.csv").mkdir()
    wrong: dict[str, tuple[type[PocketwatcherError], str]] = {
        "swaps.txt": (BadSetting, "ends in .csv or .parquet"),
        "swaps": (BadSetting, "ends in .csv or .parquet"),
        "folder.csv": (BadSetting, "name a file in it"),
        "none/swaps.csv": (NotWritten, "No such file"),
        "x" * 300 + ".csv": (NotWritten, "too long"),
    }
    for name, (kind, said) in wrong.items():
        with pytest.raises(kind, match=said):
            client.download_swaps("mint", tmp_path / name)
    assert [one.name for one in tmp_path.iterdir()] == ["folder.csv"]
    assert server.asked == []


@contextmanager
def full_disk(size_bytes: int) -> Iterator[None]:
    """No file of this process may be longer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_and_a_file_without_end_leave_nothing(
    server: Any, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers = [file(b"x" * 4_000_000 + b"\n")]
    with full_disk(2_000_000), pytest.raises(NotWritten, match=r"swaps\.csv cannot be written"):
        client.download_swaps("mint", tmp_path / "swaps.csv")
    monkeypatch.setattr(downloads_module, "FILE_BYTES_MAX", 1_000_000)
    with pytest.raises(BadAnswer, match="more than 1000000 bytes"):
        client.download_swaps("mint", tmp_path / "swaps.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_large_file_is_never_held(server: Any, client: Client, tmp_path: Path) -> None:
    size_bytes = 32 * 1024 * 1024
    server.answers = [file(b"x" * (size_bytes - 1) + b"\n")]
    tracemalloc.start()
    try:
        done = client.download_swaps("mint", tmp_path / "swaps.csv")
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert done.size_bytes == (tmp_path / "swaps.csv").stat().st_size == size_bytes
    assert most_bytes < 4 * 1024 * 1024


def test_leaving_in_the_middle_leaves_nothing(
    server: Any, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> int:
        assert len(list(tmp_path.iterdir())) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(downloads_module, "_copy", interrupted)
    server.answers = [chunked(CSV)]
    with pytest.raises(KeyboardInterrupt):
        client.download_swaps("mint", tmp_path / "swaps.csv")
    assert list(tmp_path.iterdir()) == []
