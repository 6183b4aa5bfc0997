"""The wire contract: every example ever released still decodes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pw_common.documents import mint_facts, proofs
from pw_common.wire import alerts, messages

EXAMPLES = Path(__file__).resolve().parents[3] / "schemas" / "examples"
KINDS = {
    str(value.__struct_config__.tag): value
    for value in (*vars(messages).values(), alerts.Alert, proofs.AlertProof, mint_facts.KeptFacts)
    if isinstance(value, type)
    and issubclass(value, msgspec.Struct)
    and isinstance(value.__struct_config__.tag, str)
}
STORED = sorted(EXAMPLES.glob("*/*.json"))


@pytest.mark.parametrize("path", STORED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_example_ever_released_still_decodes(path: Path) -> None:
    message = msgspec.json.decode(path.read_bytes(), type=KINDS[path.parent.name])
    assert isinstance(message, msgspec.Struct)


@pytest.mark.parametrize("path", STORED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_field_that_a_later_version_adds_is_ignored(path: Path) -> None:
    kind = KINDS[path.parent.name]
    body = {**msgspec.json.decode(path.read_bytes()), "from_the_future": 1}
    assert msgspec.json.decode(msgspec.json.encode(body), type=kind) == msgspec.json.decode(
        path.read_bytes(), type=kind
    )


@pytest.mark.parametrize("tag", sorted(KINDS))
def test_every_wire_type_has_an_example(tag: str) -> None:
    assert any(path.parent.name == tag for path in STORED)
