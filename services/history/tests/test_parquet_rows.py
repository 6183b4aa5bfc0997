"""A file holds what DuckDB had, to other engines too, and its digest is that of a plain recount."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_common.wire.messages import Swap
from pw_history.parquet.digest import digest_of
from pw_history.parquet.exporter import Exporter
from pw_history.parquet.reading import current_files, read_manifest, source_of, swaps_in_order
from pw_history.parquet.store import StoreSettings, open_store
from pw_history.parquet.tables import TABLES
from support.filled_history import opened, slot_of, strangers_digest, write
from support.kept_world import BEGIN_MS, SOL

NOW_MS = BEGIN_MS
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
parts = st.lists(words.filter(lambda one: one and "\n" not in one), max_size=3).map(tuple)
u64 = st.sampled_from([0, 1, 10**18, 2**63, 2**64 - 1])
swaps = st.builds(
    Swap,
    signature=words,
    ordinal=st.integers(0, 2**32 - 1),
    slot=st.just(1),
    index=st.integers(0, 2**32 - 1),
    trader=words,
    side=st.sampled_from(["buy", "sell"]),
    mint=words | st.just("m"),
    base_amount_raw=u64,
    base_decimals=st.sampled_from([0, 6, 255]),
    quote_mint=st.none() | st.just(SOL) | words,
    quote_amount_raw=st.none() | u64,
    quote_decimals=st.none() | st.just(9),
    venues=parts,
    route_hops=st.integers(0, 3),
    confidence=st.sampled_from([0.0, -0.0, 0.1 + 0.2, 1e-300, 1.0]),
    reasons=parts,
    fee_payer=words,
    signers=parts,
)


@settings(max_examples=25)
@given(found=st.lists(swaps, min_size=1, max_size=12, unique_by=lambda s: (s.signature, s.ordinal)))
def test_rows_come_back_from_a_file_as_they_were_and_digest_to_a_plain_recount(
    found: list[Swap],
) -> None:
    with opened() as connection, tempfile.TemporaryDirectory() as folder:
        write(connection, [slot_of(1, 0, found)], 1)
        root = Path(folder)
        store = StoreSettings(folder + "/out")
        Exporter(connection, open_store(store), root / "tmp").turn(NOW_MS)
        manifest = read_manifest(store)
        source = source_of(manifest, "swaps", root / "out")
        in_order = sorted(found, key=lambda s: (s.slot, s.index, s.signature.encode(), s.ordinal))
        assert [one for _, one in swaps_in_order(connection, source)] == in_order
        for table in TABLES:
            for file in current_files(manifest, table):
                parquet = f"read_parquet('{root}/out/{file.path}', hive_partitioning = false)"
                rows = connection.execute(f"FROM {parquet}").fetchall()
                assert len(rows) == file.rows
                assert strangers_digest()(rows) == file.digest


def test_other_rows_have_another_digest_and_another_order_has_the_same() -> None:
    columns = {"a": "VARCHAR", "b": "VARCHAR", "c": "VARCHAR[]"}
    seen = {}
    with duckdb.connect(":memory:") as connection:
        for rows in (
            "('1', '', [])", "('', '1', [])", "(NULL, '1', [])", "('-', '1', [])",
            "('', '1', [''])",
            "('', '1', ['', ''])", "('', '1', ['a', 'b'])", "('', '1', ['a b'])", "('', '1', NULL)",
            "('1', '', []), ('1', '', [])", "('1', '', []), ('1', '', []), ('1', '', [])",
        ):  # fmt: skip
            source = f"(SELECT a, b, c::VARCHAR[] AS c FROM (VALUES {rows}) AS t(a, b, c))"
            seen[digest_of(connection, source, columns).digest] = rows
        assert len(seen) == 11
        up = digest_of(connection, "(SELECT range AS n FROM range(99))", {"n": "BIGINT"})
        down = "(SELECT range AS n FROM range(99) ORDER BY range DESC)"
        assert digest_of(connection, down, {"n": "BIGINT"}) == up
        nothing = digest_of(connection, "range(0) AS t(n)", {"n": "BIGINT"})
        assert nothing == (0, "0" * 32)


def test_without_files_there_is_a_table_without_rows(tmp_path: Path) -> None:
    with opened() as connection:
        store = open_store(StoreSettings(str(tmp_path)))
        manifest = Exporter(connection, store, tmp_path / "tmp").manifest()
        assert list(swaps_in_order(connection, source_of(manifest, "swaps", tmp_path))) == []
