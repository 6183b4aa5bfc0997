"""Swaps and tokens of Parquet as events in the order of slots, with their times and sessions.

Rows come from the files a span of slots at a time: an hour of mainnet need not fit into memory.
Lists may be lists, or text with a space between the parts. A column that is not there has the
value that a swap has by default.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import duckdb
import msgspec

from pw_cli.offline.bad_input import BadInput
from pw_cli.offline.dated import Beside, Dated, Place, in_words, inexact_of, problem_of
from pw_cli.parquet.locked import by_table, in_our_words, locked, scan
from pw_common.wire.messages import Event, Swap, TokenCreated

# Slots that are counted together, and rows that are sorted together.
SPAN_SLOTS: Final = 250
SPAN_ROWS_MAX: Final = 200_000
FETCHED: Final = 2_048
# After every slot that a column of 64 bits can hold.
SLOT_END: Final = 2**64
_LISTS: Final = ("venues", "reasons", "signers")
# Of a swap, what may be unknown and has no default.
_UNKNOWN: Final = {"quote_mint": None, "quote_amount_raw": None, "quote_decimals": None}
# What a column is called that our messages call otherwise.
_RENAMED: Final = {"tx_index": "index"}
_BESIDE: Final = ("event_time_ms", "session", "amended")


class _Span(NamedTuple):
    """Slots of a session, as many as are sorted together; a token's are those of `tokens`."""

    session: int
    swaps: range
    tokens: range


class _File(NamedTuple):
    """A file of a table: its columns, and the least and the greatest slot in it."""

    path: Path
    columns: frozenset[str]
    first_slot: int
    last_slot: int


class _Table(NamedTuple):
    """A table that is read: its kind of event, and its files."""

    kind: type[msgspec.Struct]
    files: tuple[_File, ...]


def events_of(files: Sequence[Path]) -> Iterator[Dated]:
    """Every swap and token, by session and slot.

    Raises:
        BadInput: no swaps in them, or a row that cannot be used.
    """
    with locked(files) as connection:
        tables = by_table(connection, files)
        if "swaps" not in tables:
            raise BadInput(f"{files[0]}: no swaps: their columns are not there")
        with in_our_words():
            swaps = _table(connection, Swap, tables["swaps"])
            tokens = _table(connection, TokenCreated, tables.get("tokens", {}))
            for span in _spans(connection, swaps):
                found = (
                    _rows(connection, swaps, span.session, span.swaps),
                    _rows(connection, tokens, span.session, span.tokens),
                )
                yield from heapq.merge(*found, key=attrgetter("key"))


def _table(
    connection: duckdb.DuckDBPyConnection,
    kind: type[msgspec.Struct],
    files: Mapping[Path, frozenset[str]],
) -> _Table:
    """What is read of it; a span of slots then opens only the files that have some of them."""
    for path, columns in files.items():
        if "slot" not in columns:
            raise BadInput(f"{path}: no column slot")
    if not files:
        return _Table(kind, ())
    counted = connection.execute(
        "SELECT filename, min(slot), max(slot), count(*) FILTER (slot IS NULL) "
        f"FROM {scan(list(files), with_names=True)} GROUP BY 1"
    ).fetchall()
    found = {}
    for name, first, last, unknown in counted:
        if unknown or not isinstance(first, int) or not isinstance(last, int) or first < 0:
            raise BadInput(f"{name}: slot: allowed: in each row a whole number from 0")
        path = Path(name)
        found[path] = _File(path, files[path], first, last)
    return _Table(kind, tuple(found[path] for path in files if path in found))


def _spans(connection: duckdb.DuckDBPyConnection, swaps: _Table) -> Iterator[_Span]:
    """Spans of few enough rows, which together are all slots of each session.

    A token names no session: it is of the first one that reaches its slot.
    """
    if not swaps.files:
        return
    session = "session" if any("session" in one.columns for one in swaps.files) else "0"
    counted = connection.execute(
        f"SELECT {session}, slot // {SPAN_SLOTS}, count(*), max(slot) "
        f"FROM {scan([one.path for one in swaps.files])} GROUP BY 1, 2 ORDER BY 1, 2"
    ).fetchall()
    if any(not isinstance(row[0], int) or row[0] < 0 for row in counted):
        raise BadInput("swaps without a session; allowed: a whole number from 0 in each, or none")
    token_slot = 0
    for number, of_session in groupby(counted, key=itemgetter(0)):
        spans = list(of_session)
        is_last = number == counted[-1][0]
        token_end = SLOT_END if is_last else max(token_slot, spans[-1][3] + 1)
        for first, end in _joined(spans):
            tokens = range(max(first, token_slot), min(end, token_end))
            yield _Span(number, range(first, end), tokens)
        token_slot = token_end


def _joined(spans: Sequence[Sequence[int]]) -> Iterator[tuple[int, int]]:
    """Neighbours together, up to `SPAN_ROWS_MAX` rows; the first and the last are open ended."""
    began = rows = 0
    for at, (_, span, count, _) in enumerate(spans):
        rows += count
        if at + 1 == len(spans):
            yield began, SLOT_END
        elif rows + spans[at + 1][2] > SPAN_ROWS_MAX:
            end = (span + 1) * SPAN_SLOTS
            yield began, end
            began, rows = end, 0


def _rows(
    connection: duckdb.DuckDBPyConnection, table: _Table, session: int, slots: range
) -> Iterator[Dated]:
    files = [
        one for one in table.files if one.first_slot < slots.stop and one.last_slot >= slots.start
    ]
    if not files:
        return
    there = frozenset[str]().union(*(one.columns for one in files))
    wanted = (*table.kind.__struct_fields__, *_RENAMED, *_BESIDE)
    names = (*(name for name in wanted if name in there), "filename")
    where = f"slot >= {slots.start} AND slot < {slots.stop}"
    if "session" in there:
        where += f" AND session = {session}"
    quoted = ", ".join(f'"{name}"' for name in names)
    source = scan([one.path for one in files], with_names=True)
    # A connection of its own: the rows of the other table are fetched meanwhile.
    found = connection.cursor().execute(
        f"SELECT {quoted} FROM {source} WHERE {where} ORDER BY slot"
    )
    while rows := found.fetchmany(FETCHED):
        for row in rows:
            yield _dated(dict(zip(names, row, strict=True)), table.kind, session)


def _plain(name: str, value: Any) -> Any:
    """A value as our messages have it."""
    if name in _LISTS and isinstance(value, str):
        return value.split()
    # Engines without whole numbers of 64 bits have decimals in their place.
    return int(value) if isinstance(value, Decimal) and value == int(value) else value


def _dated(row: dict[str, Any], kind: type[msgspec.Struct], session: int) -> Dated:
    at = f"slot {row.get('slot')}, {kind.__struct_config__.tag} {row.get('signature')}"
    place = Place(row.pop("filename"), at)
    said = {name: row.pop(name, None) for name in _BESIDE}
    values: dict[str, Any] = {**_UNKNOWN} if kind is Swap else {}
    for name, value in row.items():
        if value is None:
            continue
        values[_RENAMED.get(name, name)] = _plain(name, value)
    try:
        event = msgspec.convert(values, kind, strict=False)
        beside = msgspec.convert(said, Beside, strict=False)
    except msgspec.ValidationError as error:
        raise BadInput(f"{place}: {in_words(error, kind)}") from error
    if problem := problem_of(event) or problem_of(beside) or inexact_of(event, values):
        raise BadInput(f"{place}: {problem}")
    # A token's row does not say whether it filled a gap.
    gives_way = bool(beside.amended) or kind is TokenCreated
    return Dated(cast("Event", event), place, beside.event_time_ms, session, gives_way)
