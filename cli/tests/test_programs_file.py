"""`--programs FILE`: users' entries beside the shipped table, or a whole table in its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pw_cli.offline.programs_file import programs_of
from pw_common.documents.document import BadDocument
from pw_common.documents.programs import BadPrograms
from pw_parser.core.decode.programs import BUILT_IN

PUMP = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
ENTRY = {"id": PUMP, "name": "mine", "kind": "venue"}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"revision": 3, "in_force": {"main": ""}, "entries": [ENTRY]}),
        json.dumps([ENTRY]),
        json.dumps({"entries": [ENTRY]}, indent=2),
        f"entries:\n- id: {PUMP}\n  name: mine\n  kind: venue\n",
    ],
)
def test_a_document_stands_beside_the_shipped_table(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine"
    path.write_text(text)
    found = programs_of(path)
    assert len(found.by_key) == len(BUILT_IN.by_key)
    assert {one.name for one in found.by_key.values()} >= {"mine", "pumpswap"}


def test_a_table_of_lines_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    other = {**ENTRY, "id": "1" * 31 + "2", "name": "two"}
    for lines in ([ENTRY], [ENTRY, other]):
        path.write_text("".join(f"{json.dumps(one)}\n" for one in lines))
        assert len(programs_of(path).by_key) == len(lines)


def test_a_document_that_cannot_be_used_says_where(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text(json.dumps({"entries": [ENTRY, {**ENTRY, "kind": "dex"}]}))
    with pytest.raises(BadDocument, match=r"entries\[1\]\.kind"):
        programs_of(path)
    path.write_text('{"entries": [')
    with pytest.raises((BadDocument, BadPrograms)):
        programs_of(path)
