"""What is kept of gaps and alerts says what is missing now, in the order of their streams."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_common.topology.stream_end import StreamEnd
from pw_common.topology.subjects import STREAM_ALERT, STREAM_GAP
from pw_common.wire.alerts import Alert, decode_alert
from pw_common.wire.history import AlertsAsked
from pw_common.wire.messages import Gap
from pw_history.asked.reader import Reader
from pw_history.store.logs import MADE_AGAIN, TRIMMED, LogPosition, LogWriter
from pw_history.store.schema import MIGRATIONS, VERSION, migrate


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as opened:
        migrate(opened)
        yield opened


def gap(*, filled: bool) -> Gap:
    return Gap(
        source="main", epoch=1, first_missing_slot=10, last_missing_slot=20, why="lost",
        filled=filled,
    )  # fmt: skip


@pytest.mark.parametrize("together", [False, True])
def test_a_gap_that_is_opened_again_is_a_hole_again(
    connection: duckdb.DuckDBPyConnection, together: bool
) -> None:
    logs = LogWriter(connection)
    records = [gap(filled=False), gap(filled=True), gap(filled=False)]
    # In one batch or one by one, and read again from the beginning, as after a restore.
    parts = [records] if together else [[one] for one in records]
    for _ in range(2):
        for seq, part in enumerate(parts, start=1):
            logs.write_gaps(part, LogPosition(STREAM_GAP, "then", seq))
        assert [one.why for one in Reader(connection).head().holes] == ["lost"]
    logs.write_gaps([gap(filled=True)], LogPosition(STREAM_GAP, "then", 9))
    assert Reader(connection).head().holes == ()


def alert(slot: int, at_ms: int) -> Alert:
    body = {
        "type": "alert.v1", "id": f"a{slot}", "episode": "e", "n": 0, "kind": "opened",
        "trigger": "t", "severity": "info", "slot": slot, "opened_slot": slot,
        "event_time_ms": at_ms, "mint": "m",
    }  # fmt: skip
    return decode_alert(msgspec.json.encode(body))


def at(seq: int, created: str = "then") -> LogPosition:
    return LogPosition(STREAM_ALERT, created, seq)


def holes(connection: duckdb.DuckDBPyConnection, asked: AlertsAsked | None = None) -> list[object]:
    """Each hole: why, and its ends in milliseconds."""
    found = Reader(connection).head(asked).holes
    return [(one.why, one.first_ms, one.last_ms) for one in found]


def test_alerts_that_nothing_follows_yet_are_missing_until_it_is_known_up_to_where(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    logs = LogWriter(connection)
    logs.write_alerts([alert(3, 3_000)], at(3))
    logs.write_alerts([], at(6), TRIMMED)
    assert holes(connection) == [(TRIMMED, 3_000, None)]
    # What cannot be read is no alert; a restart knows it still.
    logs.write_alerts([], at(7))
    assert holes(connection) == [(TRIMMED, 3_000, None)]
    later = LogWriter(connection)
    later.write_alerts([alert(8, 8_000), alert(9, 9_000)], at(9))
    later.write_alerts([alert(10, 10_000)], at(10))
    assert holes(connection) == [(TRIMMED, 3_000, 8_000)]


@pytest.mark.parametrize("next_ms", [5_000_000, 500_000])
def test_what_is_missing_lies_behind_the_alert_that_was_read_last_though_time_went_back(
    connection: duckdb.DuckDBPyConnection, next_ms: int
) -> None:
    logs = LogWriter(connection)
    logs.write_alerts([alert(900, 1_800_000_000_000), alert(10, 1_000_000)], at(2))
    logs.write_alerts([alert(50, next_ms)], at(20), TRIMMED)
    first_ms, last_ms = sorted((1_000_000, next_ms))
    assert holes(connection) == [(TRIMMED, first_ms, last_ms)]
    between = AlertsAsked(first_ms=first_ms + 1, end_ms=last_ms)
    assert len(holes(connection, between)) == 1


def test_where_reading_begins_it_is_known_what_was_not_read(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    logs = LogWriter(connection)
    # What was gone before a stream was read for the first time was never to be had.
    assert logs.begin(STREAM_ALERT, StreamEnd("then", 5, 8, 1)) == (at(4), "")
    logs.write_alerts([], at(4))
    assert logs.begin(STREAM_ALERT, StreamEnd("then", 5, 8, 1)) == (at(4), "")
    assert logs.begin(STREAM_ALERT, StreamEnd("then", 6, 8, 1)) == (at(5), TRIMMED)
    # Trimmed to nothing.
    assert logs.begin(STREAM_ALERT, StreamEnd("then", 9, 8, None)) == (at(8), TRIMMED)
    assert logs.begin(STREAM_ALERT, StreamEnd("later", 1, 2, 1)) == (at(0, "later"), MADE_AGAIN)


def test_a_file_that_was_made_again_lacks_the_alerts_that_left_their_stream_before(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute("UPDATE kept SET oldest_ms = 1000")
    logs = LogWriter(connection)
    assert logs.begin(STREAM_ALERT, StreamEnd("then", 1, 8, 1)) == (at(0), "")
    position, missed = logs.begin(STREAM_ALERT, StreamEnd("then", 5, 8, 1))
    assert (position, missed) == (at(4), TRIMMED)
    logs.write_alerts([alert(5, 5_000)], position, missed)
    assert holes(connection, AlertsAsked(end_ms=4_000)) == [(TRIMMED, 0, 5_000)]
    assert holes(connection, AlertsAsked(first_ms=5_001)) == []


@pytest.mark.parametrize("version", range(2, VERSION))
def test_a_file_of_each_version_before_knows_which_alert_was_read_last(version: int) -> None:
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE TABLE versions (version INTEGER NOT NULL)")
        for number in range(version):
            connection.execute(MIGRATIONS[number])
            connection.execute("INSERT INTO versions VALUES (?)", [number + 1])
        for slot, at_ms in ((900, 1_800_000_000_000), (10, 1_000_000)):
            connection.execute(
                "INSERT INTO alerts VALUES (?, ?, ?, 'm', 't', 'opened', [], '')",
                [f"a{slot}", at_ms, slot],
            )
        connection.execute("INSERT INTO logs VALUES ('PW_ALERT', 'then', 2)")
        migrate(connection)
        logs = LogWriter(connection)
        position, missed = logs.begin(STREAM_ALERT, StreamEnd("then", 9, 8, None))
        logs.write_alerts([], position, missed)
        assert holes(connection) == [(TRIMMED, 1_000_000, None)]


class Stream:
    """PW_ALERT, whose alerts' times are the order in which they came; what is no alert is None."""

    def __init__(self) -> None:
        self.made, self.clock = 0, 0
        self.first_seq, self.held = 1, list[Alert | None]()

    @property
    def end(self) -> StreamEnd:
        last_seq = self.first_seq + len(self.held) - 1
        return StreamEnd(f"{self.made}", self.first_seq, last_seq, 1 if self.held else None)

    def fire(self, *, readable: bool) -> None:
        self.clock += 1
        self.held.append(alert(self.clock, self.clock) if readable else None)

    def trim(self, count: int) -> list[Alert | None]:
        gone, self.held = self.held[:count], self.held[count:]
        self.first_seq += len(gone)
        return gone

    def make_again(self) -> list[Alert | None]:
        gone = self.held
        self.made, self.first_seq, self.held = self.made + 1, 1, []
        return gone


steps = st.lists(
    st.sampled_from(["fire", "fire", "noise", "trim", "trim all", "make again", "start", "read"]),
    max_size=25,
)


@settings(max_examples=60)
@given(plan=steps)
def test_each_alert_that_was_lost_lies_in_a_hole_and_there_is_none_where_nothing_was(
    plan: list[str],
) -> None:
    stream = Stream()
    kept: set[int] = set()
    lost: set[int] = set()
    is_followed = is_another = False
    with duckdb.connect(":memory:") as opened:
        migrate(opened)
        logs = LogWriter(opened)
        position, missed = logs.begin(STREAM_ALERT, stream.end)
        logs.write_alerts([], position, missed)
        for step in [*plan, "start"]:
            gone: list[Alert | None] = []
            if step in ("fire", "noise"):
                stream.fire(readable=step == "fire")
            elif step.startswith("trim"):
                gone = stream.trim(len(stream.held) if step == "trim all" else 1)
            elif step == "make again":
                gone, is_another, is_followed = stream.make_again(), True, False
            elif step == "start":
                position, missed = LogWriter(opened).begin(STREAM_ALERT, stream.end)
                logs.write_alerts([], position, missed)
                is_followed = True
            elif is_followed and stream.end.last_seq > position.read_seq:
                at_seq = max(stream.first_seq, position.read_seq + 1)
                is_cut = at_seq > position.read_seq + 1
                found = stream.held[at_seq - stream.first_seq :][:2]
                position = position._replace(read_seq=at_seq + len(found) - 1)
                read = [one for one in found if one is not None]
                logs.write_alerts(read, position, TRIMMED if is_cut else "")
                kept |= {one.event_time_ms for one in read}
            lost |= {one.event_time_ms for one in gone if one is not None} - kept
        for at_ms in lost:
            assert holes(opened, AlertsAsked(first_ms=at_ms, end_ms=at_ms + 1)), at_ms
        if not lost and not is_another and "noise" not in plan:
            assert holes(opened) == []
