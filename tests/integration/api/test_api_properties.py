"""Anything at all sent to everything that writes: 2xx or 4xx, and what is taken can be used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio.from_thread
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pw_common.documents.channels import stored_channels
from pw_common.jetstream.bus import Bus
from pw_common.topology.subjects import BUCKET_CONFIG, KEY_CHANNELS
from pw_detection.detector import Detector
from pw_detector.core.apply_config import Change, apply
from support.apis import running_api

PUT = (
    "triggers",
    "watchlists",
    "mutes",
    "channels",
    "programs",
    "programs/acknowledged",
)
POST = (
    "triggers",
    "watchlists",
    "mutes",
    "channels",
    "triggers/validate",
    "triggers/reset",
    "triggers/dry-run",
    "watchlists/csv",
    "programs/validate",
    "channels/x/test",
)
ADDRESS = "So11111111111111111111111111111111111111112"
# What the door answers: a test that stops there has asked nothing.
AT_THE_DOOR = {401, 403, 421}
# A channel's test waits for a notifier, which is not there.
NO_NOTIFIER = 503

text = st.text(st.characters(exclude_categories=()), max_size=80)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), text,
    st.sampled_from([10**400, 2**63, -(2**64), ADDRESS, "buy_count_5m >= 3", "wallet", "(kept)"]),
)  # fmt: skip
fields = st.one_of(
    st.sampled_from(
        ["name", "conditions", "gates", "address", "label", "of", "reason", "until_ms", "kind",
         "url", "secret", "bot_token", "chat_id", "triggers", "kinds", "severity", "cooldown_s",
         "escalate_factor", "enabled", "late_after_s", "alert_age_max_s"]
    ),
    text,
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(fields, inner, max_size=5)
    ),
    max_leaves=12,
)
near = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["a", "b", "A b", "x\n", ""]) | values,
        "conditions": st.lists(
            st.sampled_from(["buy_count_5m >= 3", "x > 1"]) | values, max_size=3
        ),
        "address": st.sampled_from([ADDRESS, "1" * 32, "1" * 33, "M" * 43, "z" * 44]) | values,
        "of": st.sampled_from(["wallet", "token", "creator"]) | values,
        "label": text,
        "reason": text,
        "until_ms": values,
        "kind": st.sampled_from(["console", "webhook", "telegram", "discord", "ntfy", "slack"])
        | values,
        "url": st.sampled_from(["http://[::1", "https://a.example/x", "http://a:99999"]) | text,
        "secret": st.just("s" * 20) | text,
        "cooldown_s": values,
    },
)
wholes = st.fixed_dictionaries(
    {"revision": st.integers(0, 3) | values},
    optional={
        "rules": st.lists(near | values, max_size=3) | values,
        "entries": st.lists(near | values, max_size=3) | values,
        "entry": near | values,
        "replace": st.booleans() | values,
        "who": text | values,
        "note": text | values,
    },
)


def taken(method: str, key: str, whole: dict[str, Any]) -> dict[str, Any]:
    """Without what the operation refuses for its name alone, nothing of it would be read."""
    whole_of = "rules" if key == "triggers" else "entries"
    foreign = {"rules", "entries", "entry", "replace"}
    foreign -= {whole_of} if method == "PUT" else {"entry", "replace"}
    return {name: value for name, value in whole.items() if name not in foreign}


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


broken = st.sampled_from(
    [
        b"", b"\xff", b"[" * 100_000, b'{"a":' * 50_000, b"1" * 5_000, b"NaN", b'{"a":1,"a":2}',
        b'"\\ud800"', b"\xef\xbb\xbf{}", b'{"revision":0,"entries":[' + b"{}," * 9_000 + b"{}]}",
        b"a: &a [x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: [*c,*c,*c,*c]",
        b"- {name: a, conditions: [!!python/name:os.system x]}", b"2001-13-45: x", b"<<: *x",
        b"address,label\n\x00,\r\x00\n", b'"' + b"x" * 200_000, b"? [a]\n: b", b"%YAML 9.9\n---\n",
        b"{" * 5_000, b"- " * 5_000, b"0x" + b"f" * 10_000, b"\x00\x01\x02",
    ]
)  # fmt: skip
bodies = st.one_of(
    wholes.map(as_json),
    values.map(as_json),
    st.binary(max_size=200),
    text.map(lambda one: one.encode("utf-8", "replace")),
    broken,
)


class Api:
    """The running API, spoken to from a test that is no coroutine."""

    def __init__(self, client: httpx.Client, portal: Any, bus: Bus) -> None:
        self.client = client
        self._portal = portal
        self._bus = bus

    def stored(self, key: str) -> tuple[bytes, int] | None:
        found: tuple[bytes, int] | None = self._portal.call(self._bus.kv_get, BUCKET_CONFIG, key)
        return found


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder: Path = tmp_path_factory.mktemp("api")
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running_api(folder)) as (_, bus, asking),
        httpx.Client(
            base_url=asking.base_url, headers=asking.headers, timeout=30, trust_env=False
        ) as client,
    ):
        yield Api(client, portal, bus)


def why_not_loadable(key: str, body: bytes, revision: int) -> str:
    if key == KEY_CHANNELS:
        stored_channels(body)
        return ""
    return apply(Detector(()), Change(key, revision, 0, body))


def put(api: Api, key: str, body: bytes) -> None:
    answer = api.client.put(f"/api/v1/{key}", content=body)
    assert answer.status_code < 500, (answer.status_code, answer.text)
    assert answer.status_code not in AT_THE_DOOR, answer.text
    assert answer.status_code == 200 or answer.json()["detail"]
    if answer.status_code == 200:
        entry = api.stored(key.rpartition("/")[2])
        assert entry is not None
        assert why_not_loadable(key, entry[0], entry[1]) == ""
        assert "unusable" not in api.client.get(f"/api/v1/{key}").json()


SETTINGS = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@SETTINGS
@given(key=st.sampled_from(PUT), body=bodies)
def test_whatever_is_put_is_taken_whole_or_refused_in_words(
    api: Api, key: str, body: bytes
) -> None:
    put(api, key, body)


@SETTINGS
@given(key=st.sampled_from(PUT), whole=wholes)
def test_whatever_is_put_at_the_right_revision_is_taken_or_refused(
    api: Api, key: str, whole: dict[str, Any]
) -> None:
    found = api.client.get(f"/api/v1/{key}")
    assert found.status_code == 200, (found.status_code, found.text)
    revision = found.json()["revision"]
    body = taken("PUT", key, whole) | {"revision": revision, "who": "", "note": ""}
    put(api, key, as_json(body))


@SETTINGS
@given(key=st.sampled_from(POST[:4]), whole=wholes, name=text)
def test_whatever_entry_is_added_or_taken_away_leaves_what_can_be_used(
    api: Api, key: str, whole: dict[str, Any], name: str
) -> None:
    path = f"/api/v1/{key}"
    revision = api.client.get(path).json()["revision"]
    said = {"revision": revision, "who": "", "note": ""}
    body = as_json(taken("POST", key, whole) | said)
    query = {"revision": str(revision), "note": name.encode("utf-8", "replace").decode()}
    answers = [
        api.client.post(path, content=body),
        api.client.delete(
            f"{path}/{quote(name.encode('utf-8', 'replace'), safe='')}", params=query
        ),
    ]
    for answer in answers:
        assert answer.status_code < 500, (answer.status_code, answer.text)
        assert answer.status_code not in AT_THE_DOOR, answer.text
    entry = api.stored(key)
    if entry is not None:
        assert why_not_loadable(key, entry[0], entry[1]) == ""


@SETTINGS
@given(path=st.sampled_from(POST), body=bodies)
def test_whatever_is_posted_is_answered_and_never_a_fault(api: Api, path: str, body: bytes) -> None:
    answer = api.client.post(f"/api/v1/{path}", content=body)
    assert answer.status_code not in AT_THE_DOOR, answer.text
    if not (path.endswith("/test") and answer.status_code == NO_NOTIFIER):
        assert answer.status_code < 500, (answer.status_code, answer.text)
