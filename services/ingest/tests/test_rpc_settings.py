"""A JSON-RPC node in place of an endpoint: what is refused before anything is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from pw_common.service.settings import look
from pw_ingest.config import Settings

NODE = "https://node.example/?api-key=0123456789abcdef"
BASE = {"PW_NATS_URL": "nats://127.0.0.1:4222"}


def problems(**environ: str) -> str:
    return "; ".join(map(str, look(Settings, BASE | environ)[1]))


def test_a_node_alone_is_a_source_and_its_key_is_not_shown() -> None:
    settings, found = look(Settings, BASE | {"PW_INGEST_RPC_URL": NODE})
    assert found == []
    assert settings is not None
    [endpoint] = settings.endpoints()
    assert endpoint.is_rpc
    assert endpoint.redacted == "https://node.example:443"
    assert "0123456789abcdef" not in repr(endpoint.redacted)
    assert settings.kind == "live"


def test_without_any_source_both_are_named() -> None:
    assert "PW_INGEST_ENDPOINT is missing" in problems()
    assert "PW_INGEST_RPC_URL" in problems()


def test_an_endpoint_and_a_node_are_two_sources() -> None:
    found = problems(PW_INGEST_RPC_URL=NODE, PW_INGEST_ENDPOINT="http://127.0.0.1:1")
    assert "two sources" in found


def test_the_demos_player_gives_way_to_a_node() -> None:
    player = "http://replay:10000"
    named = {"PW_INGEST_ENDPOINT": player, "PW_INGEST_RECORDED_ENDPOINTS": player}
    settings, found = look(Settings, BASE | named | {"PW_INGEST_RPC_URL": NODE})
    assert found == []
    assert settings is not None
    assert settings.kind == "live"
    assert [one.url for one in settings.endpoints()] == [NODE]


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("PW_INGEST_RPC_URL", "node.example", "http"),
        ("PW_INGEST_RPC_URL", "https://a,https://b", "one node only"),
        ("PW_INGEST_COMMITMENT", "processed", "confirmed or finalized"),
        ("PW_INGEST_RPC_RATE", "0", "PW_INGEST_RPC_RATE"),
        ("PW_INGEST_RPC_IN_FLIGHT", "100", "PW_INGEST_RPC_IN_FLIGHT"),
        ("PW_INGEST_RPC_URL", "http://far.example/?api-key=0123456789abcdef", "clear"),
        ("PW_INGEST_RPC_URL", "http://far.example/v2/0123456789abcdef", "clear"),
        ("PW_INGEST_RPC_URL", "http://0123456789abcdef@far.example/", "clear"),
    ],
)
def test_what_a_node_cannot_be_asked_for_is_refused(name: str, value: str, why: str) -> None:
    found = problems(**({"PW_INGEST_RPC_URL": NODE} | {name: value}))
    assert why in found
    assert "0123456789abcdef" not in found


@pytest.mark.parametrize(
    "text", ["", "hunter2hunter2", "x-token:", "bad name: x", "x: a\nInjected: b"]
)
def test_a_file_without_one_header_is_refused_and_its_text_not_shown(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "header"
    path.write_text(text)
    found = problems(PW_INGEST_RPC_URL=NODE, PW_INGEST_RPC_HEADER_FILE=str(path))
    assert "one line" in found
    assert "hunter2" not in found


def test_a_header_file_gives_name_and_value(tmp_path: Path) -> None:
    path = tmp_path / "header"
    path.write_text("x-api-key: SECRET\n")
    settings, found = look(
        Settings, BASE | {"PW_INGEST_RPC_URL": NODE, "PW_INGEST_RPC_HEADER_FILE": str(path)}
    )
    assert found == []
    assert settings is not None
    assert settings.endpoints()[0].header == ("x-api-key", "SECRET")


def test_a_file_of_addresses_is_read_whole_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "follow"
    address = "11111111111111111111111111111111"
    path.write_text("# " + "x" * (64 * 1024) + f"\n{address}\n")
    found = problems(PW_INGEST_RPC_URL=NODE, PW_INGEST_RPC_FOLLOW=str(path))
    assert "over 64 KiB" in found
    path.write_text(f"{address}\n")
    assert problems(PW_INGEST_RPC_URL=NODE, PW_INGEST_RPC_FOLLOW=str(path)) == ""
