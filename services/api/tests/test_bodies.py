"""Bodies of requests that cannot be used: what was wrong, where, and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import httpx
import pytest

from pw_api.models.bodies import where_of
from pw_common.documents.channels import Channels, problems, read_entries
from pw_common.documents.document import BadDocument, read_json
from pw_common.documents.programs import read_programs
from pw_detection.rules.lists import read_csv, read_mutes, read_watchlists
from pw_detection.rules.rules import rules_of

Clients = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
JSON = {"Content-Type": "application/json"}
CHANGE = "a JSON object with revision, who, note, "
# Operation -> what it says that it takes.
WANTED = {
    "PUT triggers": f"{CHANGE}rules",
    "PUT watchlists": f"{CHANGE}entries",
    "PUT mutes": f"{CHANGE}entries",
    "PUT channels": f"{CHANGE}entries",
    "PUT programs": f"{CHANGE}entries",
    "PUT programs/acknowledged": f"{CHANGE}entries",
    "POST triggers": f"{CHANGE}entry, replace",
    "POST watchlists": f"{CHANGE}entry, replace",
    "POST mutes": f"{CHANGE}entry, replace",
    "POST channels": f"{CHANGE}entry, replace",
    "POST triggers/reset": "a JSON object with revision, who, note",
    "POST triggers/dry-run": "a list of rules, or `triggers:` with one",
    "POST watchlists/csv": "lines of `address,label`",
}


async def errors_of(client: httpx.AsyncClient, asked: str, body: bytes) -> list[dict[str, str]]:
    method, path = asked.split()
    headers = {"Content-Type": "text/csv"} if path.endswith("csv") else JSON
    answer = await client.request(method, f"/api/v1/{path}", content=body, headers=headers)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return list(answer.json()["errors"])


@pytest.mark.parametrize("asked", WANTED)
async def test_an_empty_body_is_no_empty_document_and_says_what_is_taken(
    client_of: Clients, asked: str
) -> None:
    async with client_of() as client:
        # Blank lines are a CSV without entries, as ever.
        for body in (b"",) if asked.endswith("csv") else (b"", b" \r\n"):
            assert await errors_of(client, asked, body) == [
                {"where": "body", "what": f"empty; allowed: {WANTED[asked]}"}
            ]


@pytest.mark.parametrize("asked", [one for one in WANTED if not one.endswith(("run", "csv"))])
async def test_a_field_that_no_document_has_is_refused_by_name(
    client_of: Clients, asked: str
) -> None:
    there = WANTED[asked].removeprefix("a JSON object with ")
    async with client_of() as client:
        body = b'{"revision": 0, "entries": [], "rules": [], "entry": {}, "notes": "x"}'
        errors = await errors_of(client, asked, body)
    assert {"where": "notes", "what": f"'notes': no such field; there are: {there}"} in errors
    # Nor has any of them the field of another.
    assert len(errors) == 4 - len({"entries", "rules", "entry"} & {*there.split(", ")})


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("triggers", {"rules": [], "metrics": [], "operators": [], "unusable": "x"}),
        ("watchlists", {"entries": []}),
        ("mutes", {"entries": [], "shipped": []}),
        ("channels", {"entries": [], "from": "stored"}),
        ("programs", {"entries": [], "in_force": {}}),
        ("programs/acknowledged", {"entries": [], "new": []}),
    ],
)
async def test_what_was_given_may_be_sent_back_changed(
    client_of: Clients, path: str, answer: dict[str, Any]
) -> None:
    async with client_of() as client:
        put = await client.put(f"/api/v1/{path}", json={"revision": 0, **answer})
    # It goes as far as the broker, which is away.
    assert put.status_code == 503, put.text


async def test_a_rules_file_with_other_fields_is_not_valid(client_of: Clients) -> None:
    async with client_of() as client:
        body = {"triggers": [], "rule": [{"name": "x"}]}
        answer = await client.post("/api/v1/triggers/validate", json=body)
    assert answer.json() == {
        "valid": False,
        "errors": ["'rule': no such field; there are: triggers"],
    }


@pytest.mark.parametrize("body", [b"", b" \n", b"# nothing yet\n"])
@pytest.mark.parametrize("path", ["triggers", "programs"])
async def test_an_empty_file_is_not_valid_and_is_named_as_empty(
    client_of: Clients, path: str, body: bytes
) -> None:
    async with client_of() as client:
        yaml = {"Content-Type": "application/yaml"}
        answer = await client.post(f"/api/v1/{path}/validate", content=body, headers=yaml)
    told = answer.json()
    assert told["valid"] is False
    assert told["errors"][0].startswith("empty; allowed: ")


RULE = {"name": "a", "conditions": ["buy_count_5m >= 3"]}
MINT = "So11111111111111111111111111111111111111112"
PROGRAM = {"id": MINT, "name": "mine", "kind": "venue"}
HOOK = {"name": "hook", "kind": "webhook"}
read_body = partial(read_json, bytes_max=1_000)


@pytest.mark.parametrize(
    ("read", "value", "where"),
    [
        (rules_of, [RULE | {"severity": "x"}], "rules[0].severity"),
        (rules_of, [RULE | {"conditions": [1]}], "rules[0].conditions[0]"),
        (rules_of, [RULE | {"conditions": ["x"]}], "rules[0].conditions[0]"),
        (rules_of, [RULE, {}], "rules[1]"),
        (rules_of, [RULE | {"cooldown": 3}], "rules[0]"),
        (rules_of, [RULE, RULE], "rules"),
        (rules_of, [RULE] * 201, "rules"),
        (rules_of, {"rules": []}, "body"),
        (read_watchlists, [{"address": MINT, "of": "x"}], "entries[0].of"),
        (read_watchlists, [{"address": MINT, "lable": "x"}], "entries[0].lable"),
        (read_watchlists, [{"address": MINT, "a b": "x"}], "entries[0].'a b'"),
        (read_watchlists, [{"address": MINT, "a': b": "x"}], 'entries[0]."a\': b"'),
        (read_watchlists, [{}], "entries[0]"),
        (read_watchlists, {}, "entries"),
        (read_mutes, [{"address": "x", "of": "token"}], "entries[0].address"),
        (read_programs, [PROGRAM | {"users": {"0a": [1, "x"]}}], "entries[0].users[...][1]"),
        (read_programs, [PROGRAM | {"users": {"0a": 3}}], "entries[0].users[...]"),
        (read_programs, [PROGRAM, PROGRAM], "entries[1].id"),
        (read_entries, [HOOK | {"kinds": ["x"]}], "entries[0].kinds[0]"),
        (read_entries, [HOOK] * 33, "entries"),
        (read_csv, "x\n", "body"),
        (read_body, b'{"a": [1e999]}', "a[0]"),
        (read_body, b"[[1e999]]", "[0][0]"),
        (read_body, b'{"Max2": {"x-y": [1e999]}}', "Max2.x-y[0]"),
        (read_body, b'{"a: b": 1e999}', "'a: b'"),
        (read_body, b"{", "body"),
        (read_body, b"[NaN]", "body"),
        (read_body, b'{"a": 1, "a": 2}', "body"),
    ],
)
def test_each_error_of_a_document_is_placed_where_it_is(
    read: Callable[[Any], Any], value: Any, where: str
) -> None:
    with pytest.raises(BadDocument) as found:
        read(value)
    assert where_of(found.value.errors[0]) == where, found.value.errors[0]


def test_channels_are_placed_by_their_entries_too() -> None:
    hook = read_entries([HOOK]).entries[0]
    assert {where_of(one) for one in problems(Channels(entries=(hook, hook)))} == {
        "entries",
        "entries[0]",
        "entries[1]",
    }


async def test_a_header_that_is_wrong_is_named_and_not_the_body(client_of: Clients) -> None:
    async with client_of() as client:
        headers = JSON | {"If-Match": "x"}
        answer = await client.put("/api/v1/triggers", content=b'{"rules": []}', headers=headers)
    assert [one["where"] for one in answer.json()["errors"]] == ["If-Match"]
