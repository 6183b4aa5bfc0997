"""`pw history query` answers from the given Parquet, and nothing else can be reached with it."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pw_cli.parquet.locked import in_our_words, locked
from pw_cli.parquet.places import files_of
from pw_cli.parquet.question import FUNCTIONS, SQL_BYTES_MAX, BadQuestion, TooSlow, ask
from support.history_questions import pw, slot
from support.offline_files import write_parquet

ENDLESS = "SELECT count(*) FROM range(300000000000) a, range(9) b WHERE a.range % 7 = b.range"
Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    slots = [slot(1), slot(2, amount_raw=2**64 - 1), slot(3, mint="\x1b[31mred")]
    write_parquet(tmp_path / "kept", slots, parts=2)
    return tmp_path / "kept"


@pytest.fixture
def asked(folder: Path) -> Ask:
    def answer(sql: str) -> list[tuple[Any, ...]]:
        with locked(files_of([folder])) as connection:
            return ask(connection, sql, rows_max=100, timeout_s=30).rows

    return answer


def test_every_way_to_write_one_question_is_answered(asked: Ask) -> None:
    assert asked("SELECT count(*) FROM swaps") == [(3,)]
    assert asked("-- a comment\nFROM swaps SELECT max(slot);") == [(3,)]
    assert asked("WITH a AS (SELECT slot FROM swaps) SELECT sum(slot) FROM a") == [(6,)]
    assert asked("VALUES (1), (2)") == [(1,), (2,)]
    assert {row[0] for row in asked("SHOW TABLES")} == {"swaps", "tokens", "minutes"}
    # One of which there is no file yet has no rows.
    assert asked("SELECT count(*), max(close) FROM minutes") == [(0, None)]
    assert "mint" in {row[0] for row in asked("DESCRIBE swaps")}
    assert asked("SELECT unnest(string_split(venues, ' ')) FROM swaps LIMIT 2") == [("v",), ("w",)]
    assert asked("SELECT * FROM range(2)") == [(0,), (1,)]
    recursive = "WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a WHERE n < 3) FROM a"
    assert asked(recursive) == [(1,), (2,), (3,)]
    assert asked("SELECT count(*) FROM (SELECT 1 UNION SELECT 2)") == [(2,)]


BREAKING_OUT = (
    "COPY swaps TO '{out}'",
    "COPY (SELECT 1) TO '{kept}' (FORMAT parquet, USE_TMP_FILE false)",
    "COPY swaps FROM '{kept}'",
    "EXPORT DATABASE '{out}'",
    "IMPORT DATABASE '{out}'",
    "ATTACH '{out}'",
    "ATTACH ':memory:' AS other",
    "USE memory",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM read_parquet('{other}')",
    "SELECT * FROM parquet_schema('{other}')",
    "SELECT * FROM '{other}'",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM swaps WHERE mint IN (SELECT content FROM read_text('/etc/passwd'))",
    "SELECT (SELECT content FROM read_text('/etc/passwd'))",
    "SELECT * FROM read_parquet('https://127.0.0.1/a.parquet')",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('swaps')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "SELECT * FROM enable_logging(storage = 'file', storage_path = '{out}')",
    "SELECT * FROM enable_profiling(save_location = '{out}')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM which_secret('s3://a', 's3')",
    "SELECT * FROM checkpoint()",
    "SELECT * FROM arrow_scan(1, 2, 3)",
    "SELECT * FROM pandas_scan(1)",
    "SELECT * FROM read_duckdb('{out}')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT getenv('HOME')",
    "SELECT * FROM python_variable",
    "SET threads = 1",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "SET VARIABLE a = 1",
    "PRAGMA database_list",
    "PRAGMA enable_profiling",
    "CALL enable_logging()",
    "INSTALL httpfs",
    "LOAD httpfs",
    "FORCE INSTALL httpfs FROM 'http://127.0.0.1'",
    "CREATE TABLE a AS SELECT 1",
    "CREATE TEMP TABLE a AS SELECT 1",
    "CREATE SECRET a (TYPE s3, KEY_ID 'k')",
    "CREATE MACRO a() AS 1",
    "CREATE OR REPLACE VIEW swaps AS SELECT 1",
    "INSERT INTO swaps SELECT * FROM swaps",
    "UPDATE swaps SET mint = ''",
    "DELETE FROM swaps",
    "DROP VIEW swaps",
    "WITH a AS (INSERT INTO swaps VALUES (1)) SELECT 1",
    "WITH a AS (DELETE FROM swaps RETURNING *) SELECT * FROM a",
    "BEGIN",
    "COMMIT",
    "CHECKPOINT",
    "VACUUM",
    "PREPARE a AS SELECT 1",
    "EXECUTE a",
    "EXPLAIN ANALYZE SELECT 1",
    "SELECT 1; SELECT 2",
    "SELECT 1; COPY swaps TO '{out}'",
    "COMMIT; COPY swaps TO '{out}'",
    "",
    "-- nothing",
)


@pytest.mark.parametrize("sql", BREAKING_OUT)
def test_nothing_but_one_question_to_the_given_files_is_answered(
    sql: str, folder: Path, tmp_path: Path, asked: Ask
) -> None:
    [other, *_] = write_parquet(tmp_path / "other", [slot(9)])
    kept = folder / "swaps-0.parquet"
    python_variable = [{"a": 1}]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(BadQuestion) as refused:
        asked(sql.format(out=tmp_path / "out", kept=kept, other=other))
    assert python_variable
    assert "\n" not in str(refused.value)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "sql",
    [
        "COPY swaps TO '{out}'",
        "COPY (SELECT 1) TO '{kept}' (FORMAT parquet)",
        "ATTACH '{out}'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM enable_logging(storage = 'file', storage_path = '{out}')",
        "SELECT * FROM enable_profiling(save_location = '{out}')",
        "SET enable_external_access = true",
        "SET allowed_paths = ['/etc/passwd']",
        "LOAD httpfs",
        "INSTALL httpfs",
        "CREATE TABLE a AS SELECT 1",
        "SELECT * FROM python_variable",
    ],
)
def test_the_connection_alone_keeps_what_the_checks_keep(
    sql: str, folder: Path, tmp_path: Path
) -> None:
    python_variable = [{"a": 1}]
    kept = folder / "swaps-0.parquet"
    before = kept.read_bytes()
    with locked(files_of([folder])) as connection, pytest.raises(duckdb.Error):
        connection.execute(sql.format(out=tmp_path / "out", kept=kept)).fetchall()
    assert python_variable
    assert (kept.read_bytes(), (tmp_path / "out").exists()) == (before, False)


def test_a_table_function_of_a_later_duckdb_is_not_answered_unless_it_is_listed() -> None:
    reading = {"parquet_scan", "read_parquet"}
    assert not {one for one in FUNCTIONS if one.startswith(("read_", "scan", "duckdb"))} - reading


def test_long_and_deep_questions_are_refused(asked: Ask) -> None:
    with pytest.raises(BadQuestion, match="bytes of SQL; allowed: at most"):
        asked("SELECT " + "1" * SQL_BYTES_MAX)
    for deep in ("SELECT " + "(" * 9_000 + "1" + ")" * 9_000, "SELECT " + "-" * 0 + "1+" * 20_000):
        with pytest.raises(BadQuestion):
            asked(deep + ("1" if deep.endswith("+") else ""))


def test_a_question_that_takes_too_long_is_ended(folder: Path) -> None:
    began = time.monotonic()
    with locked(files_of([folder])) as connection, pytest.raises(TooSlow, match=r"after 0\.2 s"):
        ask(connection, ENDLESS, rows_max=1, timeout_s=0.2)
    assert time.monotonic() - began < 100


def test_ctrl_c_ends_a_question_at_once(folder: Path) -> None:
    began = time.monotonic()
    with locked(files_of([folder])) as connection, pytest.raises(KeyboardInterrupt):
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        ask(connection, ENDLESS, rows_max=1, timeout_s=200)
    assert time.monotonic() - began < 100


def test_ctrl_c_while_duckdb_works_is_no_error_of_the_file() -> None:
    # As DuckDB says it, where its own loop saw the signal.
    with pytest.raises(KeyboardInterrupt), in_our_words():
        raise RuntimeError("Query interrupted")
    with pytest.raises(RuntimeError, match="another"), in_our_words():
        raise RuntimeError("another")


def test_a_question_that_takes_too_much_memory_is_refused(asked: Ask) -> None:
    with pytest.raises(BadQuestion, match="Out of Memory"):
        asked("SELECT list(range) FROM range(400000000)")


def test_rows_are_bounded_and_a_cut_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("SELECT slot FROM swaps ORDER BY slot", "--dir", str(folder), "--json")
    assert pw(*words, "--limit", "2") == 0
    out, err = capsys.readouterr()
    assert [json.loads(line) for line in out.splitlines()] == [{"slot": 1}, {"slot": 2}]
    assert err == "pw history: query: cut after 2 rows: --limit shows more\n"
    assert pw(*words, "--limit", "3") == 0
    assert capsys.readouterr().err == ""


def test_each_form_shows_amounts_whole_and_foreign_text_harmless(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    sql = (
        "SELECT slot, mint, base_amount_raw, base_amount_raw::HUGEINT * 2 AS twice, [slot] AS l, "
        "1 AS slot, quote_mint, 0.5::DOUBLE AS half, 0.1234567890123::DOUBLE AS long "
        "FROM swaps ORDER BY 1"
    )
    assert pw(sql, "--dir", str(folder), "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[1] == {
        "slot": 2, "mint": "m", "base_amount_raw": str(2**64 - 1), "twice": str(2**65 - 2),
        "l": [2], "slot_2": 1, "quote_mint": None, "half": 0.5,
        "long": 0.1234567890123,
    }  # fmt: skip
    assert pw(sql, "--dir", str(folder), "--csv") == 0
    table = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert table[0][:4] == ["slot", "mint", "base_amount_raw", "twice"]
    assert table[2] == [
        "2",
        "m",
        str(2**64 - 1),
        str(2**65 - 2),
        "[2]",
        "1",
        "",
        "0.5",
        "0.1234567890123",
    ]
    assert pw(sql, "--dir", str(folder)) == 0
    out = capsys.readouterr().out
    assert str(2**64 - 1) in out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("SELECT nosuch FROM swaps",), "Referenced column"),
        (("SELEC 1",), "syntax error"),
        (("SELECT 1", "--limit", "0"), "--limit 0: allowed: 1 to 1000000"),
        (("SELECT 1", "--timeout", "nan"), "--timeout nan: allowed: more than 0"),
    ],
)
def test_what_cannot_be_asked_is_one_line_and_exit_code_2(
    words: tuple[str, ...], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pw(*words, "--dir", str(folder)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert said in err
