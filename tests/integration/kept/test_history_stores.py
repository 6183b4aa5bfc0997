"""A folder and a bucket are the same to an export, and what is wrong with one has a name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pw_history.parquet.exporter import Exporter
from pw_history.parquet.faults import StoreAway, StoreFull, StoreRefused, fault_of
from pw_history.parquet.layout import MANIFEST
from pw_history.parquet.manifest import BadManifest
from pw_history.parquet.reading import current_files, fetch, read_manifest, source_of
from pw_history.parquet.store import BadStore, StoreSettings, open_store
from pw_history.parquet.verifying import verify
from support.filled_history import hours, opened, slot_of, swap, write
from support.s3_server import SECRET, Server, s3_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with s3_server() as found:
        yield found


def test_a_folder_and_a_bucket_get_the_same_manifest_and_the_same_files(
    server: Server, tmp_path: Path
) -> None:
    stores = [StoreSettings(f"{tmp_path}/out"), server.settings(tmp_path, "a/b")]
    with opened() as connection:
        hours(connection, 2)
        exporters = [Exporter(connection, open_store(one), tmp_path / "tmp") for one in stores]
        for exporter in exporters:
            exporter.turn(0)
        write(connection, [slot_of(1, 0, [swap(990, 1)], amends=True)], 2)
        for exporter in exporters:
            exporter.turn(1)
            exporter.turn(10**9)
        local, remote = (open_store(one) for one in stores)
        manifest = read_manifest(remote)
        assert local.get(MANIFEST) == remote.get(MANIFEST)
        assert sorted(local.names("swaps")) == sorted(remote.names("swaps"))
        assert list(verify(remote, manifest)) == []
        # Offline, a bucket is read through a folder of copies; each is copied once.
        files = current_files(manifest, "swaps")
        assert (fetch(remote, files, tmp_path / "copy"), len(files)) == (2, 2)
        assert fetch(remote, files, tmp_path / "copy") == 0
        source = source_of(manifest, "swaps", tmp_path / "copy")
        assert connection.execute(f"SELECT count(*) FROM {source}").fetchone() == (41,)


def test_a_file_of_several_parts_is_stored_whole(server: Server, tmp_path: Path) -> None:
    store = open_store(server.settings(tmp_path, "parts"))
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * 70_000)
    store.put("big", file)
    store.save("big", tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


def test_a_bucket_that_is_away_or_refuses_is_named_loses_nothing_and_is_tried_again(
    tmp_path: Path,
) -> None:
    with s3_server() as server, opened() as connection:
        hours(connection, 1)
        good = server.settings(tmp_path, "p")
        away = replace(good, endpoint="http://127.0.0.1:1")
        with pytest.raises(StoreAway):
            Exporter(connection, open_store(away), tmp_path / "tmp").turn(0)
        nowhere = replace(good, url="s3://no-such-bucket/p")
        with pytest.raises(StoreRefused, match="NoSuchBucket"):
            Exporter(connection, open_store(nowhere), tmp_path / "tmp").turn(0)
        exporter = Exporter(connection, open_store(good), tmp_path / "tmp")
        # The manifest is looked for, and then a file is refused.
        server.refuses_after(2)
        with pytest.raises(StoreRefused) as refused:
            exporter.turn(0)
        assert SECRET not in f"{refused.value!r} {refused.value.__cause__!r}"
        server.refuses_after(10**6)
        assert exporter.turn(0).exported
        assert exporter.turn(0)[:4] == ((), 0, (), 0)
        assert list(verify(open_store(good), read_manifest(good))) == []


def test_a_full_disk_and_a_folder_that_refuses_have_their_names(tmp_path: Path) -> None:
    assert isinstance(fault_of(OSError("x (os error 28)"), "x"), StoreFull)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "swaps").write_text("a file where a folder must be")
    with opened() as connection:
        hours(connection, 1)
        store = open_store(StoreSettings(f"{tmp_path}/out"))
        with pytest.raises(StoreRefused):
            Exporter(connection, store, tmp_path / "tmp").turn(0)
        (tmp_path / "out" / "swaps").unlink()
        assert Exporter(connection, store, tmp_path / "tmp").turn(0).exported


def test_what_names_no_store_is_said_without_a_credential(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(f"{SECRET} {SECRET}")
    s3 = StoreSettings("s3://bucket/p", endpoint="https://host")
    for bad in (
        StoreSettings("relative"),
        StoreSettings("s3://"),
        StoreSettings("https://bucket/p"),
        replace(s3, endpoint="http://host"),
        replace(s3, endpoint="host"),
        replace(s3, endpoint=f"https://me:{SECRET}@host"),
        replace(s3, access_key_file=key),
        replace(s3, access_key_file=key, secret_key_file=key),
        replace(s3, access_key_file=tmp_path / "none", secret_key_file=key),
    ):
        with pytest.raises(BadStore) as said:
            open_store(bad)
        assert SECRET not in str(said.value)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"\xff", b'{"schema": "other"}', b'{"version": 2}', b'{"hours": [{}]}'],
)
def test_a_manifest_that_is_not_ours_is_refused_and_not_written_over(
    raw: bytes, tmp_path: Path
) -> None:
    (tmp_path / MANIFEST).write_bytes(raw)
    store = open_store(StoreSettings(str(tmp_path)))
    with opened() as connection:
        hours(connection, 1)
        with pytest.raises(BadManifest):
            Exporter(connection, store, tmp_path / "tmp").turn(0)
    assert (tmp_path / MANIFEST).read_bytes() == raw
