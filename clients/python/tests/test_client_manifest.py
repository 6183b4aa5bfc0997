"""A manifest is read whole or refused: another schema, another version, files elsewhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketwatcher import BadManifest, Client, History, MissingPackage
from pocketwatcher.parquet.manifest import HOUR_MS, decoded

COLUMNS = [["mint", "VARCHAR"], ["event_time_ms", "BIGINT"], ["signers", "VARCHAR[]"]]
GOOD: dict[str, Any] = {
    "schema": "pw.history.parquet",
    "version": 1,
    "digest_rule": "md5-sum.1",
    "columns": {"1": {"swaps": COLUMNS, "minutes": [["spent_raw", "DECIMAL(38,0)"]]}},
    "hours": [],
}
FILE = {"path": "swaps/hour=1/a.parquet", "rows": 1, "digest": "0", "sha256": "0"}


def hour(hour_ms: int, **more: Any) -> dict[str, Any]:
    file = FILE | {"path": f"swaps/hour={hour_ms}/a.parquet"}
    return {"hour_ms": hour_ms, "revision": 2, "columns": "1", "files": {"swaps": file | more}}


@pytest.mark.parametrize(
    "other", [{"schema": "pw.other"}, {"version": 2}, {"digest_rule": "sha-sum.2"}, {"schema": ""}]
)
def test_another_schema_version_or_digest_rule_is_refused(other: dict[str, Any]) -> None:
    later = GOOD | other | {"hours": "of another shape"}
    with pytest.raises(BadManifest, match=r"reads pw.history.parquet 1 with md5-sum.1") as found:
        decoded(json.dumps(later).encode())
    assert str(next(iter(other.values()))) in str(found.value)


def test_what_a_later_version_adds_is_left_out() -> None:
    found = decoded(json.dumps(GOOD | {"fresh": 1, "hours": [hour(0, fresh=[])]}).encode())
    assert found.hours[0].files["swaps"].rows == 1
    assert found.columns_of(found.hours[0], "swaps") == ("mint", "event_time_ms", "signers")


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../a.parquet", "swaps/../../a", "s3://other/a", "C:\\a", "a%2e", "a?b",
     "swaps/\n", "."],
)  # fmt: skip
def test_a_file_that_is_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(BadManifest, match="elsewhere"):
        decoded(json.dumps(GOOD | {"hours": [hour(0, path=path)]}).encode())


@pytest.mark.parametrize(
    "hours",
    [[hour(0), hour(0, path="swaps/b")], [hour(0, path="a"), hour(HOUR_MS, path="a")]],
)
def test_rows_that_would_count_twice_are_refused(hours: list[Any]) -> None:
    with pytest.raises(BadManifest, match="twice"):
        decoded(json.dumps(GOOD | {"hours": hours}).encode())


def test_files_without_columns_are_refused() -> None:
    with pytest.raises(BadManifest, match="which columns"):
        decoded(json.dumps(GOOD | {"hours": [hour(0) | {"columns": "2"}]}).encode())


json_values = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda some: st.lists(some) | st.dictionaries(st.text() | st.sampled_from(sorted(GOOD)), some),
)


@given(
    st.binary()
    | json_values.map(lambda one: json.dumps(one).encode())
    | st.tuples(st.sampled_from(["columns", "hours"]), json_values).map(
        lambda one: json.dumps(GOOD | {one[0]: one[1]}).encode()
    )
)
def test_garbage_is_a_bad_manifest_and_never_a_fault(raw: bytes) -> None:
    try:
        found = decoded(raw)
    except BadManifest as error:
        assert str(error)
    else:
        assert found.hours == ()


@given(
    st.sets(st.integers(0, 30)),
    st.none() | st.integers(-1, 31 * HOUR_MS),
    st.none() | st.integers(-1, 31 * HOUR_MS),
)
def test_a_span_has_the_hours_that_it_touches(
    hours: set[int], first_ms: int | None, end_ms: int | None
) -> None:
    stored = [hour(one * HOUR_MS) for one in sorted(hours, reverse=True)]
    manifest = decoded(json.dumps(GOOD | {"hours": stored}).encode())
    found = [one.hour_ms for one in manifest.hours_of("swaps", first_ms, end_ms)]
    low = first_ms if first_ms is not None else -1
    high = end_ms if end_ms is not None else 10**12
    # An hour's ends, since a span that touches neither is within it.
    touched = [
        one * HOUR_MS
        for one in sorted(hours)
        if any(low <= ms < high for ms in (one * HOUR_MS, (one + 1) * HOUR_MS - 1))
        or one * HOUR_MS <= low < high < (one + 1) * HOUR_MS
    ]
    assert found == touched or low >= high
    assert manifest.hours_of("tokens", first_ms, end_ms) == []


def test_a_folder_without_a_manifest_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadManifest, match="PW_HISTORY_PARQUET_URL"):
        History(tmp_path).swaps()
    (tmp_path / "manifest.json").write_text(json.dumps(GOOD | {"columns": {}}))
    with pytest.raises(BadManifest, match="no hour has been exported"):
        History(str(tmp_path)).swaps()


def test_a_span_without_files_has_the_columns_and_no_rows(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(GOOD))
    frame = History(tmp_path).swaps(mint="m", first_ms=1, end_ms=2).polars()
    assert (frame.height, frame.columns) == (0, ["mint", "event_time_ms", "signers"])
    assert str(frame.schema["signers"]) == "List(String)"


def test_hours_with_a_column_more_are_read_beside_those_without(tmp_path: Path) -> None:
    later = {"1": {"tokens": COLUMNS[:2]}, "2": {"tokens": [*COLUMNS[:2], ["fresh", "DOUBLE"]]}}
    stored = []
    for at, columns in enumerate(later):
        path = f"tokens/{at}.parquet"
        frame = pl.DataFrame({"mint": [columns], "event_time_ms": [at]})
        (tmp_path / "tokens").mkdir(exist_ok=True)
        (frame if at == 0 else frame.with_columns(fresh=1.5)).write_parquet(tmp_path / path)
        file = FILE | {"path": path}
        stored.append({"hour_ms": at * HOUR_MS, "columns": columns, "files": {"tokens": file}})
    told = GOOD | {"columns": later, "hours": stored}
    (tmp_path / "manifest.json").write_text(json.dumps(told))
    assert History(tmp_path).tokens().polars().rows() == [("1", 0, None), ("2", 1, 1.5)]


def test_keys_of_a_bucket_are_not_shown() -> None:
    history = History("s3://bucket/a/", storage_options={"aws_secret_access_key": "hidden"})
    assert repr(history) == "History('s3://bucket/a')"


def test_without_polars_only_dataframes_are_missing_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    (tmp_path / "manifest.json").write_text(json.dumps(GOOD))
    assert History(tmp_path).manifest().hours == ()
    with pytest.raises(MissingPackage, match=r"pocketwatcher-client\[polars\]"):
        History(tmp_path).swaps()
    with Client() as client:
        assert "8080" in repr(client)
