"""Users' programs and acknowledged layouts: one model, whole bounds, every fault by its path."""

from __future__ import annotations

from typing import Any

import pytest

from pw_common.documents.document import BadDocument
from pw_common.documents.programs import (
    ACKNOWLEDGED_BYTES_MAX,
    ACKNOWLEDGED_MAX,
    PROGRAMS_BYTES_MAX,
    PROGRAMS_MAX,
    read_acknowledged,
    read_programs,
    read_programs_file,
    stored_acknowledged,
    stored_programs,
)
from pw_common.text.base58 import ALPHABET
from pw_common.wire.envelope import (
    PROGRAMS,
    BadEnvelope,
    TxHeaders,
    read_tx_headers,
    stamp_of,
    tx_headers,
)
from pw_common.wire.messages import encode

PUMP = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"


def entry(**changes: Any) -> dict[str, Any]:
    return {"id": PUMP, "name": "mine", "kind": "venue"} | changes


def entries(count: int) -> list[dict[str, Any]]:
    return [
        entry(id="1" * 31 + ALPHABET[at % 57 + 1] if at < 57 else _id(at), name=f"program {at}")
        for at in range(count)
    ]


def _id(number: int) -> str:
    # 30 leading zero bytes and two more digits of base58 that fill exactly two bytes.
    return "1" * 30 + _base58(256 + number)


def _base58(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return text


def test_what_is_read_is_what_is_stored_and_read_again() -> None:
    table = read_programs(
        [
            entry(users={"*": [0], "0011223344556677": [13, -1]}, takes=["0a0b"], launches=True),
            entry(id="1" * 32, name="loans", kind="non_exchange", source="s", date="2026-11-25"),
        ]
    )
    assert stored_programs(encode(table)) == table
    assert read_programs_file(encode(table)) == table
    # What the API says beside the entries is no part of them.
    yaml = f"revision: 7\nwho: me\nentries:\n- {{id: {PUMP}, name: mine, kind: venue}}\n"
    assert read_programs_file(yaml.encode()).entries[0].name == "mine"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"id": "x"}, "entries[1].id"),
        ({"id": PUMP[:-1]}, "entries[1].id"),
        ({"id": "1" * 32}, "entries[1].id: 1"),
        ({"name": "first"}, "entries[1].name: first"),
        ({"name": ""}, "entries[1].name"),
        ({"name": " mine"}, "entries[1].name"),
        ({"name": "n" * 33}, "entries[1].name"),
        ({"name": "a\u202eb"}, "entries[1].name"),
        ({"name": "a\u200bb"}, "entries[1].name"),
        ({"name": "unlisted:mine"}, "entries[1].name"),
        ({"name": "Unlisted:mine"}, "entries[1].name"),
        ({"name": "unlisted\uff1amine"}, "entries[1].name"),
        ({"date": "2026-99-99"}, "entries[1].date"),
        ({"kind": "dex"}, "entries[1].kind"),
        ({"users": {"six": [1]}}, "entries[1].users"),
        ({"users": {"*": []}}, "entries[1].users"),
        ({"users": {"*": [256]}}, "entries[1].users"),
        ({"users": {f"{at:02x}": [1] for at in range(17)}}, "entries[1].users"),
        ({"takes": ["0"]}, "entries[1].takes"),
        ({"source": "s" * 121}, "entries[1].source"),
        ({"date": "yesterday"}, "entries[1].date"),
        ({"nmae": "x"}, "entries[1].'nmae'"),
    ],
)
def test_a_bad_entry_is_named_by_its_path(changes: dict[str, Any], where: str) -> None:
    first = entry(id="1" * 32, name="first")
    with pytest.raises(BadDocument) as caught:
        read_programs([first, entry(**changes)])
    assert caught.value.errors[0].startswith(where)


@pytest.mark.parametrize("seen", [{"program": "A b"}, {"tag": "xyz"}, {"tag": "0" * 18}, {"x": 1}])
def test_a_bad_acknowledgement_is_named_by_its_path(seen: dict[str, Any]) -> None:
    with pytest.raises(BadDocument, match=r"entries\[0\]\."):
        read_acknowledged([{"program": "pumpswap", "tag": "00"} | seen])


def test_both_documents_are_bounded_in_number_and_size() -> None:
    table = read_programs(entries(PROGRAMS_MAX))
    assert stored_programs(encode(table)) == table
    with pytest.raises(BadDocument, match=f"{PROGRAMS_MAX + 1}; allowed: at most {PROGRAMS_MAX}"):
        read_programs(entries(PROGRAMS_MAX + 1))
    with pytest.raises(BadDocument, match="allowed: at most that"):
        stored_programs(b'{"entries":[]}' + b" " * PROGRAMS_BYTES_MAX)
    tags = [{"program": "v" * 32, "tag": f"{at:016x}"} for at in range(ACKNOWLEDGED_MAX + 1)]
    most = encode(read_acknowledged(tags[1:]))
    assert len(most) <= ACKNOWLEDGED_BYTES_MAX
    assert len(stored_acknowledged(most).entries) == ACKNOWLEDGED_MAX
    with pytest.raises(BadDocument, match="allowed: at most"):
        read_acknowledged(tags)


def test_a_stamp_travels_in_the_headers_and_its_absence_means_the_shipped_table() -> None:
    stamp = stamp_of(57, b"a table")
    headers = tx_headers(TxHeaders("tx:1", 1, "main", 1, 0, programs=stamp))
    assert read_tx_headers(headers).programs == stamp
    plain = tx_headers(TxHeaders("tx:1", 1, "main", 1, 0))
    assert PROGRAMS not in plain
    assert read_tx_headers(plain).programs == ""
    assert read_tx_headers(plain | {PROGRAMS: "0"}).programs == ""


@pytest.mark.parametrize(
    "stamp", ["57", "57.x", "-1." + "0" * 16, "1." + "0" * 17, "0." + "0" * 16]
)
def test_a_stamp_that_is_none_is_a_bad_header(stamp: str) -> None:
    headers = tx_headers(TxHeaders("tx:1", 1, "main", 1, 0)) | {PROGRAMS: stamp}
    with pytest.raises(BadEnvelope, match=PROGRAMS):
        read_tx_headers(headers)


def test_the_same_revision_of_another_table_has_another_stamp() -> None:
    assert stamp_of(57, b"one") != stamp_of(57, b"two")
