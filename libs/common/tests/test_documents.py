"""Documents as somebody wrote them: read within bounds, or refused in words."""

from __future__ import annotations

import tracemalloc
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.documents.document import (
    DEPTH_MAX,
    ERRORS_MAX,
    BadDocument,
    convert,
    decode,
    line_problem,
    read_either,
    read_json,
    read_yaml,
)
from pw_common.text.base58 import is_address

BYTES = 300_000
BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (at + 1, at + 1, b",".join([b"*%c" % at] * 9)) for at in range(97, 106)
)


class Entry(msgspec.Struct):
    address: str


class Document(msgspec.Struct):
    entries: tuple[Entry, ...]


class Choosing(msgspec.Struct):
    kind: Literal["a", "b"] = "a"
    kinds: tuple[Literal["a", "b"], ...] = ()
    maybe: Literal["a", "b"] | msgspec.UnsetType | None = msgspec.UNSET
    by_name: dict[str, list[Choosing]] = {}
    number: int = 0


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"a": 1, "a": 2}', "comes twice"),
        (b"[NaN]", "NaN"),
        (b"[1e999]", r"\[0\]: not a finite number"),
        (b'{"a": [1' + b"0" * 400 + b"]}", r"a\[0\]: a number of over 64 bits"),
        (b"1" * 5_000, "not JSON"),
        (b'["\\ud800"]', "lone surrogate"),
        (b'{"\\ud800": 1}', "not text"),
        (b'"\xff"', "not UTF-8 at byte 1"),
        (b"[" * 100_000, "nested deeper"),
        (b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1), "nested deeper"),
        (b"[" + b"1," * 120_000 + b"1]", "values"),
        (b" " * (BYTES + 1), "over 300000 bytes"),
        (b"", "not JSON"),
        (b"{", "not JSON"),
    ],
    ids=lambda value: repr(value[:12]),
)
def test_json_that_could_do_harm_is_refused_in_words(body: bytes, why: str) -> None:
    with pytest.raises(BadDocument, match=why):
        read_json(body, BYTES)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (BOMB, "anchors and aliases"),
        (b"a: &x 1", "anchors and aliases"),
        (b"a: *x", "anchors and aliases"),
        (b"a: !!python/object/apply:os.system [x]", "tags"),
        (b"a: !!binary aGk=", "tags"),
        (b"a: 1\nb: {c: 1, c: 2}", "line 2: a key comes twice: 'c'"),
        (b"1: 2", "not text"),
        (b"? [a]\n: 1", "not YAML"),
        (b"a: .nan", "finite"),
        (b"a: 0x" + b"f" * 100, "64 bits"),
        (b"1" * 5_000, "not YAML"),
        (b"a: b\n---\na: c", "not YAML"),
        (b"[" * 5_000, "nested deeper"),
        (b"- " * 5_000, "nested deeper"),
        (b"\x00", "not YAML"),
        (b"a: [", "not YAML"),
        (b'"\\UFFFFFFFF"', "not YAML"),
        (b"<<: 3", "not YAML"),
    ],
    ids=lambda value: repr(value[:12]),
)
def test_yaml_that_could_do_harm_is_refused_in_words(body: bytes, why: str) -> None:
    with pytest.raises(BadDocument, match=why):
        read_yaml(body, BYTES)


def test_a_bomb_of_aliases_costs_no_memory() -> None:
    tracemalloc.start()
    with pytest.raises(BadDocument):
        read_yaml(BOMB, BYTES)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_a_date_is_text_and_json_is_read_as_json() -> None:
    assert read_yaml(b"a: 2001-13-45", BYTES) == {"a": "2001-13-45"}
    assert read_either(b' [{"a": "\\u00e9"}]', BYTES) == [{"a": "é"}]
    assert read_either(b"[{a: 1}]", BYTES) == [{"a": 1}]
    with pytest.raises(BadDocument, match="twice"):
        read_either(b'{"a":1,"a":2}', BYTES)


def test_an_error_names_the_path() -> None:
    with pytest.raises(BadDocument, match=r"^entries\[1\]\.address: Expected `str`, got `int`$"):
        convert({"entries": [{"address": "a"}, {"address": 1}]}, Document)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"kind": "c"}, "kind: 'c'; allowed: a, b"),
        ({"kind": 3}, "kind: Expected `str`, got `int`; allowed: a, b"),
        ({"kinds": ["a", "c"]}, "kinds[1]: 'c'; allowed: a, b"),
        ({"maybe": "c"}, "maybe: 'c'; allowed: a, b"),
        ({"by_name": {"x": [{}, {"kind": ""}]}}, "by_name[...][1].kind: ''; allowed: a, b"),
        ({"number": "c"}, "number: Expected `int`, got `str`"),
    ],
)
def test_an_error_of_a_choice_names_what_may_be_chosen(value: Any, said: str) -> None:
    with pytest.raises(BadDocument) as found:
        convert(value, Choosing)
    assert found.value.errors == (said,)
    with pytest.raises(BadDocument) as found:
        convert(value, Choosing, "entry.")
    assert found.value.errors == (f"entry.{said}",)


@pytest.mark.parametrize("body", [b"", b"\xff", b"[" * 100_000, b'"\xff"', b"{}", b'{"entries":'])
def test_what_is_stored_is_a_model_or_refused(body: bytes) -> None:
    with pytest.raises(BadDocument):
        decode(body, Document)


def test_errors_are_bounded_in_number_and_length() -> None:
    error = BadDocument("x" * 9_000 for _ in range(1_000))
    assert len(error.errors) == ERRORS_MAX + 1
    assert error.errors[-1] == f"and {1_000 - ERRORS_MAX} more"
    assert len(str(error)) < 110_000


@pytest.mark.parametrize(
    "text", ["a\nb", "a\x00", "a\u202eb", "a\u200bb", "a\ud800", "a\u2028b", "\x1b[31m", "a" * 65]
)
def test_a_label_is_one_visible_line(text: str) -> None:
    assert line_problem(text, 64)
    assert not line_problem("ein Wal 🐳 «a-b»", 64)


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_plain_or_refused(body: bytes) -> None:
    for read in (read_json, read_yaml, read_either):
        try:
            found = read(body, BYTES)
        except BadDocument as error:
            assert error.errors
        else:
            assert_plain(found)


def assert_plain(value: Any) -> None:
    assert value is None or isinstance(value, dict | list | str | int | float | bool)
    msgspec.json.encode(value)


@given(st.binary(min_size=32, max_size=32))
def test_every_key_of_32_bytes_is_an_address_and_nothing_longer_is(key: bytes) -> None:
    text = base58(key)
    assert is_address(text)
    assert not is_address(base58(b"\x01" + key))
    assert not is_address(base58(key[:24]))
    assert not is_address(f"{text}\n")


def base58(raw: bytes) -> str:
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number, out = int.from_bytes(raw, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        out = alphabet[rest] + out
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + out
