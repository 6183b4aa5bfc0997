"""What history exports, as dataframes of the Python client: every swap once, digests that agree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pocketwatcher import BadManifest, History, NotReadable
from pw_history.parquet.exporter import Exporter
from pw_history.parquet.store import Store, StoreSettings, open_store
from pw_history.store.schema import HOUR_MS
from support.filled_history import hours, opened, slot_of, swap, write
from support.kept_world import BEGIN_MS
from support.s3_server import SECRET, s3_server

# A process without a package that would be there.
WITHOUT = """
import sys
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *more: (
    None if name.partition(".")[0] == sys.argv[1] else find(name, *more)
)
from pocketwatcher import History, MissingPackage
try:
    History(sys.argv[2]).swaps(mint="m1").pandas()
except MissingPackage as error:
    print(error)
"""


def exported(store: Store, folder: Path) -> list[tuple[Any, ...]]:
    """Three hours, the first corrected, so that it lies there twice; gives the swaps of DuckDB."""
    with opened() as connection:
        hours(connection, 3)
        exporter = Exporter(connection, store, folder / "tmp")
        exporter.turn(0)
        write(
            connection, [slot_of(1, 0, [swap(990, 1, base_amount_raw=2**64 - 1)], amends=True)], 3
        )
        exporter.turn(1)
        return connection.execute(
            "SELECT mint, signature, event_time_ms, base_amount_raw FROM swaps "
            "ORDER BY mint, signature"
        ).fetchall()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    # A pattern to whoever takes names for patterns.
    root = tmp_path_factory.mktemp("odd [a-z] *")
    return root / "out", exported(open_store(StoreSettings(f"{root}/out")), root)


def rows(frame: pl.DataFrame) -> list[Any]:
    wanted = frame.select("mint", "signature", "event_time_ms", "base_amount_raw")
    return wanted.sort("mint", "signature").rows()


def test_every_swap_counts_once_although_a_former_revision_lies_there(
    folder: tuple[Path, list[Any]],
) -> None:
    root, kept = folder
    assert len(list(root.glob("swaps/**/*.parquet"))) == 4
    history = History(root)
    assert rows(history.swaps().polars()) == kept
    assert len({one[1] for one in kept}) == len(kept) == 61
    total = pl.col("base_amount_raw").cast(pl.Int128).sum()
    assert history.swaps().lazy().select(total).collect().item() == sum(one[3] for one in kept)
    assert history.tokens().polars().height == 3
    assert history.minutes(mint="m1").polars()["bought_raw"].dtype == pl.Decimal(38, 0)


def test_a_span_and_a_token_have_their_swaps_alone(folder: tuple[Path, list[Any]]) -> None:
    root, kept = folder
    times = [one[2] for one in kept]
    spans = [(None, None), (min(times), max(times)), (BEGIN_MS + HOUR_MS, None), (0, 1)]
    for first_ms, end_ms in spans:
        for mint in (None, "m1", "none"):
            found = History(str(root)).swaps(first_ms=first_ms, end_ms=end_ms, mint=mint).polars()
            assert rows(found) == [
                one
                for one in kept
                if (first_ms is None or one[2] >= first_ms)
                and (end_ms is None or one[2] < end_ms)
                and mint in (None, one[0])
            ]


def test_pandas_has_the_same_rows(folder: tuple[Path, list[Any]]) -> None:
    asked = History(folder[0]).swaps(mint="m1")
    frame, same = asked.pandas(), asked.polars()
    assert list(frame.columns) == same.columns
    assert frame["signature"].tolist() == same["signature"].to_list()
    # To the last digit, beyond what a float has.
    assert frame["base_amount_raw"].tolist() == same["base_amount_raw"].to_list()
    assert frame["quote_amount_raw"].sum() == same["quote_amount_raw"].sum()
    assert [list(one) for one in frame["signers"]] == same["signers"].to_list()


@pytest.mark.parametrize("package", ["pandas", "pyarrow"])
def test_without_pandas_it_says_what_to_install(
    folder: tuple[Path, list[Any]], package: str
) -> None:
    command = [sys.executable, "-W", "error", "-c", WITHOUT, package, str(folder[0])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert package in done.stdout
    assert "install pocketwatcher-client[pandas]" in done.stdout


def test_a_file_that_went_meanwhile_is_said_with_what_to_do(tmp_path: Path) -> None:
    exported(open_store(StoreSettings(f"{tmp_path}/out")), tmp_path)
    history = History(tmp_path / "out")
    asked = history.swaps()
    file = tmp_path / "out" / history.manifest().hours[1].files["swaps"].path
    for damage in (lambda: file.write_bytes(file.read_bytes()[:-9]), file.unlink):
        damage()
        with pytest.raises(NotReadable, match="Ask for this table again"):
            asked.polars()


def test_verifying_finds_each_file_that_was_changed(folder: tuple[Path, list[Any]]) -> None:
    root, _ = folder
    checked = list(History(root).verify())
    assert len(checked) == 9
    assert [one for one in checked if one.wrong] == []
    assert len(list(History(root).verify(first_ms=BEGIN_MS + 2 * HOUR_MS))) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda file, _: file.write_bytes(file.read_bytes()[:-1] + b"?"), "bytes"),
        (lambda file, _: file.unlink(), "cannot be read"),
        # As if the manifest had been written for it: only the rows tell.
        (lambda file, data: rewritten(file, data, lambda one: one.head(-1)), "rows"),
        (lambda file, data: rewritten(file, data, lambda one: one.with_columns(slot=1)), "rows"),
        (lambda file, data: rewritten(file, data, lambda one: one.drop("trader")), "columns"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(tmp_path: Path, change: Any, said: str) -> None:
    exported(open_store(StoreSettings(f"{tmp_path}/out")), tmp_path)
    history = History(tmp_path / "out")
    path = history.manifest().hours[1].files["swaps"].path
    change(tmp_path / "out" / path, tmp_path / "out" / "manifest.json")
    wrong = [one for one in history.verify() if one.wrong]
    assert [one.path for one in wrong] == [path]
    assert said in wrong[0].wrong


def rewritten(file: Path, manifest: Path, changed: Any) -> None:
    import hashlib

    before = hashlib.sha256(file.read_bytes()).hexdigest()
    changed(pl.read_parquet(file, hive_partitioning=False)).write_parquet(file)
    after = hashlib.sha256(file.read_bytes()).hexdigest()
    manifest.write_text(manifest.read_text().replace(before, after))


def test_a_bucket_gives_the_same_and_shows_no_key(tmp_path: Path) -> None:
    with s3_server() as server:
        settings = server.settings(tmp_path, "a/b")
        kept = exported(open_store(settings), tmp_path)
        options = {
            "aws_endpoint_url": server.url, "aws_access_key_id": "AKIAEXAMPLE",
            "aws_secret_access_key": SECRET, "aws_region": "us-east-1", "aws_allow_http": "true",
        }  # fmt: skip
        history = History(settings.url, storage_options=options)
        assert rows(history.swaps().polars()) == kept
        assert [one for one in history.verify() if one.wrong] == []
        with pytest.raises(BadManifest, match="no manifest can be read") as found:
            History("s3://history/none", storage_options=options).swaps()
        assert SECRET not in f"{found.value!r}{found.value.__cause__!r}{found.value}"
