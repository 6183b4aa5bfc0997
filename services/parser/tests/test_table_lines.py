"""A line of a table is read as the API reads an entry; tags name the beginning of instructions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.documents.document import BadDocument
from pw_common.documents.programs import BadPrograms, ProgramEntry, read_programs_file
from pw_common.documents.programs import read_programs as read_entries
from pw_common.wire.messages import encode
from pw_parser.core.decode.programs import BUILT_IN, Program, extended, read_programs

PUMP = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
PUMPSWAP = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA"
ENTRY = {"id": PUMP, "name": "one", "kind": "venue"}
GOOD = json.dumps({"id": PUMPSWAP, "name": "good", "kind": "venue"})

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
# Values that come near what is allowed, which arbitrary ones hardly do.
NEAR_TEXTS = [PUMP, "one", "venue", "", "\ud800x", "a\nb\x1b[31m", "unlisted:x", "n" * 33, "0a0b"]
NEAR_USERS = [{"*": "12"}, {"*": [1]}, {"09": [0, -1]}, {"0A": [0]}, {"*": [True]}, {"": [0]}]
NEAR_LISTS = [["venue"], [""], ["09"], ["9"], ["09 0a"], ["0A"], []]
NEAR = st.sampled_from([*NEAR_TEXTS, *NEAR_USERS, *NEAR_LISTS, "2026-02-30", True, 1, None])
FIELDS = st.sampled_from([*ProgramEntry.__struct_fields__, "nmae"])


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"kind": ["venue"]}, "kind"),
        ({"name": "\ud800x"}, "name"),
        ({"name": "a\nb\x1b[31m"}, "name"),
        ({"name": {"a": 1}}, "name"),
        ({"name": "n" * 33}, "name"),
        ({"users": {"*": "12"}}, "users"),
        ({"users": {"*": [256]}}, "users"),
        ({"users": {"B8": [1]}}, "lower-case hex"),
        ({"users": {"b8" * 9: [1]}}, "users"),
        ({"takes": [""]}, "takes"),
        ({"takes": "0a0b"}, "takes"),
        ({"takes": ["0A"]}, "lower-case hex"),
        ({"takes": ["09zz"]}, "lower-case hex"),
        ({"takes": ["0901\n"]}, "lower-case hex"),
        ({"takes": ["09" * 40]}, "lower-case hex"),
        ({"launches": "no"}, "launches"),
        ({"source": "a\x1b[31m"}, "source"),
        ({"date": "2026-02-30"}, "date"),
        ({"nmae": "x"}, "nmae"),
    ],
)
def test_what_the_api_refuses_in_an_entry_is_refused_in_a_line_of_a_table(
    changes: dict[str, Any], what: str
) -> None:
    with pytest.raises(BadDocument):
        read_entries([ENTRY | changes])
    with pytest.raises(BadPrograms) as caught:
        read_programs(f"{GOOD}\n{json.dumps(ENTRY | changes)}")
    assert caught.value.errors[0].startswith("line 2: ")
    assert what in caught.value.errors[0]


@given(changes=st.dictionaries(FIELDS, NEAR | ANYTHING, max_size=3))
def test_a_line_is_taken_exactly_where_the_api_takes_its_entry(changes: dict[str, Any]) -> None:
    line = json.dumps(ENTRY | changes)
    try:
        wanted = extended(read_programs(""), read_programs_file(f"[{line}]".encode()))
    except BadDocument:
        with pytest.raises(BadPrograms, match="line 1: "):
            read_programs(line)
    else:
        assert read_programs(line).by_key == wanted.by_key


@pytest.mark.parametrize(
    "line",
    [
        b'{"id":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"[" * 100_000,
        # Short enough for a line, and deeper than a recursive reader can go.
        b'{"id":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"users":' * 1_500 + b"0" + b"}" * 1_500,
        b'{"id":' + b"[" * 20 + b"]" * 20 + b"}",
        b'{"a":' * 100_000,
        b'{"id": "\xff"}',
        b'{"users": {"*": [' + b"9" * 5_000 + b"]}}",
        json.dumps(ENTRY | {"name": "\u2028"}, ensure_ascii=False).encode(),
        json.dumps(ENTRY)[:-1].encode() + b', "kind": "bot"}',
        json.dumps(ENTRY).encode() + b" " * 100_000,
        b"NaN",
        b"[]",
        b"\x00",
    ],
)
def test_any_line_that_cannot_be_used_is_named_by_its_number(line: bytes) -> None:
    with pytest.raises(BadPrograms) as caught:
        read_programs(GOOD.encode() + b"\r\n\n" + line)
    assert caught.value.errors[0].startswith("line 3: ")
    assert len(str(caught.value)) < 1_000


@given(body=st.binary(max_size=200) | st.text(max_size=200))
def test_any_bytes_are_a_table_or_a_bad_one(body: bytes | str) -> None:
    try:
        read_programs(body)
    except BadPrograms as error:
        assert error.errors[0].startswith("line ")
        str(error).encode("utf-8")


def test_every_fault_of_a_line_is_named() -> None:
    with pytest.raises(BadPrograms) as caught:
        read_programs(json.dumps(ENTRY | {"name": "", "takes": [""], "date": "today"}))
    assert [error.split(": ")[:2] for error in caught.value.errors] == [
        ["line 1", "name"],
        ["line 1", "takes"],
        ["line 1", "date"],
    ]


def test_the_shipped_table_passes_the_checks_of_users_entries() -> None:
    entries = [json.loads(encode(_entry_of(one))) for one in BUILT_IN.by_key.values()]
    assert extended(read_programs(""), read_entries(entries)).by_key == BUILT_IN.by_key


def test_users_entries_keep_their_revision() -> None:
    own = read_entries([ENTRY | {"users": {"*": [0], "09": [1]}, "takes": ["0a"]}])
    line = json.dumps({"id": "11111111111111111111111111111111", "name": "a", "kind": "router"})
    assert extended(read_programs(line), own).revision == "1a9d0e504fa1c9b4"


def _entry_of(one: Program) -> ProgramEntry:
    fields = {**one._asdict(), "takes": tuple(begin.hex() for begin in one.takes)}
    return ProgramEntry(**fields)


@pytest.mark.parametrize(
    ("data", "places"),
    [
        ("09", (1,)),
        ("09ff0000000000000000", (1,)),
        ("0901", (2,)),
        ("09010203040506", (2,)),
        ("0901020304050607", (3,)),
        ("090102030405060708", (3,)),
        ("0a", (0,)),
        ("00", (0,)),
        ("", (0,)),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_the_longest_tag_that_an_instruction_begins_with_names_its_user(
    data: str, places: tuple[int, ...], backwards: bool
) -> None:
    users = {"*": [0], "09": [1], "0901": [2], "0901020304050607": [3], "0a0b0c": [4]}
    if backwards:
        users = dict(reversed(users.items()))
    row = ENTRY | {"users": users}
    for table in (read_programs(json.dumps(row)), extended(BUILT_IN, read_entries([row]))):
        program = next(one for one in table.by_key.values() if one.id == PUMP)
        assert program.user_places(bytes.fromhex(data)) == places


def test_a_short_tag_alone_names_no_user_of_other_instructions() -> None:
    (program,) = read_programs(json.dumps(ENTRY | {"users": {"09": [1]}})).by_key.values()
    assert program.user_places(b"\x09\x01") == (1,)
    assert program.user_places(b"\x0a") == ()
    assert program.user_places(b"") == ()
