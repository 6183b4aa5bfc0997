"""The reader of services.toml: typed, bounded, and every mistake at once in plain words."""

from __future__ import annotations

import pytest
from declared_services import (
    FILE_BYTES_MAX,
    SERVICES_MAX,
    TEXT_MAX,
    BadDeclaration,
    declared,
    services_of,
)
from hypothesis import given
from hypothesis import strategies as st

from support.composed import ROOT

GOOD = """
[toy]
about = "Does nothing, well"
memory_mib = 64
peak_mib = 30
measured_by = "looking"
scales = "one"
compose = "runs"
"""


def wrong(text: str) -> list[str]:
    with pytest.raises(BadDeclaration) as caught:
        services_of(text.encode())
    return caught.value.problems


def test_what_follows_from_a_name_need_not_be_said() -> None:
    [one] = services_of(GOOD.replace("[toy]", "[toy_two]").encode())
    assert (one.module, one.image, one.dashed) == ("pw_toy_two", "pocketwatcher-toy-two", "toy-two")
    assert (one.manifest, one.metrics_prefix) == ("k8s/base/toy_two.yaml", "pw_toy_two_")
    assert (one.http_port, one.has_broker, one.rights) == (8080, False, None)


def test_every_mistake_is_named_at_once_with_what_is_allowed() -> None:
    text = GOOD.replace("64", '"big"').replace('"one"', '"two"').replace("peak_mib", "peek_mib")
    text += 'ports = { grpc = 70000 }\nfolders = { "tmp" = "755" }\n'
    text += '[toy.rights]\nwrites = []\npublishes = ["pw.tx *"]\n[Other]\nabout = 3\n'
    found = wrong(text)
    for said in (
        "toy: peak_mib: missing",
        "toy: peek_mib: unknown",
        "toy: memory_mib: allowed: a whole number of MiB, 16 to 65536",
        'toy: scales: allowed: "one" or "many"',
        "toy: ports: allowed: at most 32 names with ports, 1 to 65535",
        "toy: folders: allowed: at most 32 absolute paths with a mode of three octal digits",
        "toy: rights.writes: unknown",
        "toy: rights.publishes: allowed: at most 32 subjects, keys or streams",
        "Other: not a name; allowed: small letters, digits and single underscores",
        "Other: compose: missing",
    ):
        assert f"services.toml: {said}" in found
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "0 services; allowed: 1 to 64"),
        ("toy = 3", "toy: allowed: a table with its fields"),
        ("[toy", "not TOML"),
        ("#" * (FILE_BYTES_MAX + 1), "bytes; allowed: at most 65536"),
        ("\n".join(f"[a{n}]" for n in range(SERVICES_MAX + 1)), "65 services; allowed"),
        (GOOD.replace("64", "true"), "memory_mib: allowed: a whole number"),
        (GOOD + f'reads = ["{"PW_" + "x" * TEXT_MAX}"]', "reads: allowed: at most 32 streams"),
        (GOOD + 'kubernetes = "k8s/../x.yaml"', "kubernetes: allowed: a path like"),
        (GOOD.replace("well", "$(well)"), "about: allowed: one line"),
    ],
)
def test_what_is_out_of_bounds_is_refused(text: str, says: str) -> None:
    assert any(says in one for one in wrong(text))


def test_a_file_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(BadDeclaration, match=r"services\.toml: cannot be read: No such file"):
        declared(ROOT / "nowhere/services.toml")


def is_read_or_refused(body: bytes) -> None:
    try:
        services_of(body)
    except BadDeclaration as error:
        assert error.problems


@given(st.binary(max_size=300))
def test_garbage_is_refused_and_never_an_error_of_ours(body: bytes) -> None:
    is_read_or_refused(body)


@given(
    st.sampled_from(["memory_mib", "ports", "folders", "reads", "rights", "compose", "kubernetes"]),
    st.sampled_from(
        ["1", "1.5", "true", '"x"', "[]", "[1]", "{}", '{x = "y"}', "[[]]", "1979-05-27", "nan"]
    ),
)
def test_a_field_of_any_type_is_taken_or_refused(field: str, value: str) -> None:
    text = "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith(field))
    is_read_or_refused(f"{text}{field} = {value}\n".encode())
