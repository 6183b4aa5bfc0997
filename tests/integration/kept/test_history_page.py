"""What docs/history.md says, run: three engines give the same answers, and strangers can verify."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pw_history.parquet.exporter import Exporter
from pw_history.parquet.reading import read_manifest, source_of
from pw_history.parquet.store import StoreSettings, open_store
from support.filled_history import DOCS, hours, opened, slot_of, swap, write

ASKED = """
import sys, chdb
for one in sys.stdin.read().split(";"):
    if one.strip():
        print(chdb.query(one, "TSV"))
"""


@pytest.fixture
def folder(tmp_path: Path) -> tuple[Path, list[Any]]:
    """Hours of which one has two revisions, and their sums by mint."""
    with opened() as connection:
        hours(connection, 3)
        exporter = Exporter(
            connection, open_store(StoreSettings(f"{tmp_path}/out")), tmp_path / "t"
        )
        exporter.turn(0)
        write(
            connection, [slot_of(1, 0, [swap(990, 1, base_amount_raw=2**64 - 1)], amends=True)], 3
        )
        exporter.turn(1)
        told = connection.execute(
            "SELECT mint, count(*), sum(base_amount_raw) FROM swaps GROUP BY mint ORDER BY mint"
        ).fetchall()
    return tmp_path / "out", told


def blocks(kind: str, folder: Path) -> list[str]:
    found = re.findall(rf"```{kind}\n(.*?)```", DOCS.read_text(), re.DOTALL)
    return [one.replace("/history/", f"{folder}/") for one in found]


def run(program: str, arguments: list[str], given: str = "", code: int = 0) -> str:
    command = [sys.executable, "-c", program, *arguments]
    found = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert found.returncode == code, found.stderr
    return found.stdout


def test_a_stranger_verifies_every_file_and_sees_a_wrong_one(
    folder: tuple[Path, list[Any]],
) -> None:
    root, _ = folder
    program = blocks("python", root)[0]
    lines = run(program, [str(root)]).splitlines()
    assert len(lines) == 9
    assert all(one.startswith("good ") for one in lines)
    raw = (root / "manifest.json").read_text()
    digest = json.loads(raw)["hours"][0]["files"]["swaps"]["digest"]
    (root / "manifest.json").write_text(raw.replace(digest, "0" * 32))
    assert run(program, [str(root)], code=1).count("WRONG") == 1


def test_duckdb_reads_each_swap_once(folder: tuple[Path, list[Any]]) -> None:
    root, told = folder
    with duckdb.connect(":memory:") as connection:
        assert connection.execute(blocks("sql", root)[0]).fetchall() == told


def test_polars_reads_each_swap_once(folder: tuple[Path, list[Any]]) -> None:
    root, told = folder
    program = blocks("python", root)[1] + "\nprint(answer.rows())"
    assert run(program, []).strip() == str(told)


@pytest.mark.skipif(importlib.util.find_spec("chdb") is None, reason="needs pip install chdb-core")
def test_clickhouse_reads_each_swap_once_and_gives_the_same_digests(
    folder: tuple[Path, list[Any]],
) -> None:
    root, told = folder
    out = run(ASKED, [], ";".join(blocks("sql", root)[1:]))
    rows = [line.split("\t") for line in out.splitlines() if line]
    assert rows[: len(told)] == [[str(value) for value in row] for row in told]
    digests = {
        str(root / file["path"]): [str(file["rows"]), file["digest"]]
        for hour in json.loads((root / "manifest.json").read_text())["hours"]
        for table, file in hour["files"].items()
        if table == "minutes"
    }
    found = {path: values for path, *values in rows[len(told) :]}
    assert digests.items() <= found.items()


def test_polars_reads_the_sums_of_duckdb_by_the_folders_alone(tmp_path: Path) -> None:
    with opened() as connection:
        hours(connection, 3)
        write(connection, [slot_of(9, 3, [swap(990, 9, base_amount_raw=2**64 - 1)])], 4)
        Exporter(connection, open_store(StoreSettings(f"{tmp_path}/out")), tmp_path / "tmp").turn(0)
        told = connection.execute(
            "SELECT mint, count(*), sum(base_amount_raw), sum(len(string_split(signers, chr(10))))"
            "FROM closed_swaps GROUP BY mint ORDER BY mint"
        ).fetchall()
        found = (
            pl.scan_parquet(tmp_path / "out/swaps/**/*.parquet", hive_partitioning=True)
            .group_by("mint")
            .agg(
                pl.len(),
                pl.col("base_amount_raw").cast(pl.Int128).sum(),
                pl.col("signers").list.len().sum(),
            )
            .sort("mint")
            .collect()
        )
        assert found.rows() == told
        keys = pl.scan_parquet(tmp_path / "out/swaps/**/*.parquet", hive_partitioning=True)
        assert keys.select("hour").unique().collect().height == 4
        spent = "SELECT sum(spent_raw)::HUGEINT, sum(bought_raw)::HUGEINT FROM "
        files = source_of(
            read_manifest(StoreSettings(f"{tmp_path}/out")), "minutes", tmp_path / "out"
        )
        assert (
            connection.execute(spent + files).fetchone()
            == connection.execute(spent + "minutes").fetchone()
        )
