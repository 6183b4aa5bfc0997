"""The schemas of documents against their readers: none refuses what its reader takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
import yaml
from document_schemas import document_schemas
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pw_common.documents.channels import channels_of
from pw_common.documents.document import BadDocument
from pw_common.documents.programs import read_acknowledged, read_programs_file
from pw_detection.rules.lists import read_mutes, read_watchlists
from pw_detection.rules.rules import read_rules

ADDRESS = "So11111111111111111111111111111111111111112"
OTHER = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkwyTDt1v"
READERS: dict[str, Callable[[Any], Any]] = {
    "rules": lambda value: read_rules(json.dumps(value)),
    "watchlists": lambda value: read_watchlists(value.get("entries")),
    "mutes": lambda value: read_mutes(value.get("entries")),
    "channels": lambda value: channels_of(json.dumps(value).encode()),
    "programs": lambda value: read_programs_file(json.dumps(value).encode()),
    "acknowledged": lambda value: read_acknowledged(value.get("entries")),
}
SCHEMAS = {name: Draft202012Validator(one) for name, one in document_schemas().items()}
line = st.sampled_from(["", "mine", "x" * 64, "x" * 65])
numbers = st.sampled_from([0, 1, 2, 900, 86_400, 86_401, -1, 2**53, 1.5, 1_000])
entries = {
    "rules": st.fixed_dictionaries(
        {
            "name": st.sampled_from(["busy", "a" * 64, "a" * 65, "A b", ""]),
            "conditions": st.lists(
                st.sampled_from(["buy_count_5m >= 3", " buy_count_1h > 1.5 ", "x"]), max_size=2
            ),
        },
        optional={
            "gates": st.lists(st.just("buy_count_1h >= 3"), max_size=21),
            "severity": st.sampled_from(["info", "critical", "loud"]),
            "cooldown_s": numbers,
            "escalate_factor": numbers,
            "enabled": st.booleans(),
            "description": line,
            "extra": st.just(1),
        },
    ),
    "watchlists": st.fixed_dictionaries(
        {"address": st.sampled_from([ADDRESS, OTHER, "1" * 32, "x"])},
        optional={"of": st.sampled_from(["wallet", "creator", "token", "x"]), "label": line},
    ),
    "mutes": st.fixed_dictionaries(
        {
            "address": st.sampled_from([ADDRESS, OTHER, "x"]),
            "of": st.sampled_from(["wallet", "token"]),
        },
        optional={
            "reason": line,
            "until_ms": st.none() | numbers,
            "muted": st.booleans(),
        },
    ),
    "channels": st.fixed_dictionaries(
        {
            "name": st.sampled_from(["a", "ops_1", "A", "x" * 33]),
            "kind": st.sampled_from(["console", "webhook", "telegram", "pager"]),
        },
        optional={
            "url": st.sampled_from(["", "https://a.example/x", "ftp://a"]),
            "bot_token": st.sampled_from(["", "123456:" + "a" * 35]),
            "chat_id": st.sampled_from(["", "-100123", "@alerts"]),
            "severity_min": st.sampled_from(["info", "warning"]),
            "triggers": st.lists(st.sampled_from(["busy", "B"]), max_size=51),
            "kinds": st.lists(st.sampled_from(["opened", "closed"]), max_size=2),
            "late_after_s": numbers,
        },
    ),
    "programs": st.fixed_dictionaries(
        {
            "id": st.sampled_from([ADDRESS, OTHER, "x"]),
            "name": st.sampled_from(["mine", "Mine 2", "", "x" * 33]),
            "kind": st.sampled_from(["venue", "router", "bot", "shop"]),
        },
        optional={
            "users": st.dictionaries(
                st.sampled_from(["*", "e445", "E4", "00" * 8]),
                st.lists(st.sampled_from([-256, 0, 255, 256]), max_size=5),
                max_size=3,
            ),
            "takes": st.lists(st.sampled_from(["ab", "xy"]), max_size=17),
            "launches": st.booleans(),
            "source": line,
            "date": st.sampled_from(["", "2026-01-31", "2026-02-30", "soon"]),
        },
    ),
    "acknowledged": st.fixed_dictionaries(
        {"program": st.sampled_from(["pump_amm", "A"]), "tag": st.sampled_from(["", "ab", "g"])}
    ),
}


def documents(name: str) -> st.SearchStrategy[Any]:
    several = st.lists(entries[name], max_size=3)
    field = "triggers" if name == "rules" else "entries"
    return several.map(lambda found: {field: found})


def is_taken(name: str, value: Any) -> bool:
    try:
        READERS[name](value)
    except BadDocument:
        return False
    return True


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_what_a_reader_takes_its_schema_allows(name: str, data: st.DataObject) -> None:
    value = data.draw(documents(name))
    if is_taken(name, value):
        assert list(SCHEMAS[name].iter_errors(value)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rules", [{"name": "busy"}, {"name": "A b", "conditions": ["buy_count_5m >= 3"]}]),
        ("rules", {"triggers": [{"name": "busy", "conditions": []}]}),
        ("rules", [{"name": "a", "conditions": ["buy_count_5m >= 3"], "cooldown": 5}]),
        ("watchlists", {"entries": [{"address": "0OIl"}]}),
        ("mutes", {"entries": [{"address": ADDRESS, "of": "creator"}]}),
        ("channels", {"entries": [{"name": "a", "kind": "pager"}]}),
        ("channels", {"channels": []}),
        ("programs", [{"id": ADDRESS, "name": "mine", "kind": "venue", "users": {"zz": [0]}}]),
        ("acknowledged", {"entries": [{"program": "pump_amm", "tag": "g"}]}),
    ],
)
def test_what_a_schema_can_see_it_refuses_and_so_does_the_reader(name: str, value: Any) -> None:
    assert list(SCHEMAS[name].iter_errors(value))
    assert not is_taken(name, value)


def test_the_shipped_documents_are_what_their_schemas_say() -> None:
    for name, file in (("rules", "shipped_rules.yaml"), ("mutes", "infrastructure.yaml")):
        value = yaml.safe_load(files("pw_detection").joinpath(file).read_bytes())
        shown = {"entries": value} if isinstance(value, list) and name == "mutes" else value
        assert list(SCHEMAS[name].iter_errors(shown)) == [], name


@pytest.mark.parametrize("name", READERS)
def test_each_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(document_schemas()[name])
