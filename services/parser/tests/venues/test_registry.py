"""A venue's layout is known because its file is there."""

from __future__ import annotations

import re
from pathlib import Path

from pw_parser.core import venues
from pw_parser.core.decode.programs import BUILT_IN
from pw_parser.core.venues.registry import ROUTERS, VENUES


def test_every_file_with_a_layout_is_found_once() -> None:
    folder = Path(venues.__file__).parent
    declares = re.compile(r"^VENUE\b", re.MULTILINE)
    files = [path for path in folder.rglob("*.py") if declares.search(path.read_text())]
    assert len(files) == len(VENUES)
    assert {path.stem for path in files} == set(VENUES)


def test_every_layout_is_of_a_program_of_the_table() -> None:
    kinds = {one.name: one.kind for one in BUILT_IN.by_key.values()}
    assert {kinds[name] for name in set(VENUES) - ROUTERS} == {"venue"}
    assert {kinds[name] for name in ROUTERS} == {"router"}
