"""An alert derived again from a node's blocks: a true proof is borne out, a false one is not."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pw_cli.audit.proof.proof_basis import lookback_ms
from pw_cli.audit.proof.proof_beyond import apart
from pw_cli.audit.proof.proof_check import differences
from pw_cli.commands.watching import prove
from pw_common.documents.proofs import AlertProof, ProvenRule, decode_proof
from pw_common.wire.messages import encode
from pw_detection.rules.rules import shipped_rules
from support.archive_node import archive_node
from support.proving import (
    FAST,
    MUCH,
    Derived,
    Played,
    again_from,
    arguments,
    basis_of,
    check,
    derived_from,
    first_of,
    played_for,
    proof_from,
    proven,
    rule_of,
)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return played_for(2.2, 30, tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="module")
def derived(played: Played) -> Derived:
    return derived_from(played, first_of(played, MUCH.name))


@pytest.fixture(scope="module")
def proof(derived: Derived) -> AlertProof:
    return proof_from(derived)


def test_a_proof_names_the_blocks_the_rule_and_what_was_read(
    played: Played, proof: AlertProof
) -> None:
    archive, alert = played.archive, proof.alert
    slots = [slot for slot in sorted(archive.blocks) if slot <= alert.slot]
    assert [one.slot for one in proof.blocks] == slots
    for one in proof.blocks:
        assert one.blockhash == archive.blocks[one.slot]["blockhash"]
        assert one.parent == archive.blocks[one.slot]["parentSlot"]
        assert bool(one.swaps) == bool(one.digest)
    assert sum(one.swaps for one in proof.blocks) > proof.mint_swaps >= 10
    assert (proof.rule.name, proof.rule.revision) == (alert.trigger, 0)
    assert tuple(one.text for one in alert.conditions) == proof.rule.conditions
    # Since the stream began everything is known but what other rules would say.
    assert set(proof.beyond) <= {"near"}
    assert decode_proof(encode(proof)) == proof


def test_who_has_the_file_and_a_node_can_check_it_without_a_broker(
    played: Played, proof: AlertProof, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "alert.proof.json"
    path.write_bytes(encode(proof))
    code, out, err = check(played, path, capsys)
    assert code == 0, out + err
    assert f"checked: {proof.alert.id}" in out
    assert proof.rule.conditions[0] in out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda b: b["blocks"][3].update(blockhash="x" * 44), "another blockhash"),
        (lambda b: b["blocks"][3].update(parent=5), "another parent"),
        (lambda b: b["blocks"][-1].update(digest="0" * 64), "another digest"),
        (lambda b: b["blocks"].pop(5), "no such block in the file"),
        (lambda b: b["blocks"].append({**b["blocks"][0], "slot": 7}), "the node has no such block"),
        (lambda b: b.update(mint_digest="0" * 64), "other swaps of the token"),
        (lambda b: b["alert"].update(evidence=["made-up"]), "another evidence"),
        (lambda b: b["alert"].update(creator="somebody"), "another creator"),
        (lambda b: b["alert"]["conditions"][0].update(value=1e9), "another conditions"),
        (lambda b: b.update(programs="0" * 16), "another table of programs"),
    ],
)
def test_what_is_false_in_a_proof_is_named(
    derived: Derived, proof: AlertProof, change: Callable[[Any], Any], said: str
) -> None:
    assert differences(proof, derived.basis, derived.again) == []
    body = json.loads(encode(proof))
    change(body)
    false = decode_proof(json.dumps(body).encode())
    found = differences(false, derived.basis, derived.again)
    assert len(found) == 1
    assert said in found[0]


def test_a_proof_with_another_rule_is_not_borne_out(
    played: Played, proof: AlertProof, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = json.loads(encode(proof))
    body["rule"]["conditions"] = ["buy_count_5m >= 100000"]
    path = tmp_path / "false.json"
    path.write_text(json.dumps(body))
    code, out, err = check(played, path, capsys)
    assert code == 1, out + err
    assert "not derived" in out


def test_a_node_that_keeps_a_block_back_proves_nothing(
    played: Played, proof: AlertProof, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "alert.proof.json"
    path.write_bytes(encode(proof))
    slot = proof.blocks[len(proof.blocks) // 2].slot
    held = played.archive.blocks.pop(slot)
    try:
        code, out, err = check(played, path, capsys)
    finally:
        played.archive.blocks[slot] = held
    assert (code, out) == (1, "")
    assert f"the block of slot {slot} is missing" in err


def test_a_node_whose_blocks_lack_a_trade_bears_nothing_out(
    played: Played, proof: AlertProof, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "alert.proof.json"
    path.write_bytes(encode(proof))
    block = played.archive.blocks[proof.alert.slot]
    held, block["transactions"] = block["transactions"], []
    try:
        code, out, err = check(played, path, capsys)
    finally:
        block["transactions"] = held
    assert code == 1, err
    assert "not derived" in out


def test_what_is_open_before_the_blocks_begin_goes_on(played: Played) -> None:
    alert = next(one for one in played.alerts if one.kind == "closed")
    opened = next(one for one in played.alerts if one.episode == alert.episode)
    first = next(slot for slot in sorted(played.archive.blocks) if slot > opened.slot)
    basis = basis_of(played, alert, first_slot=first)
    assert basis.earlier == (opened,)
    with archive_node(played.archive) as node:
        again = asyncio.run(again_from(node.url, basis))
    assert again.alert is not None
    # Its windows reach back before the first block, its episode does too.
    wrong, _ = apart(alert, again.alert, again.reach)
    assert not {"id", "episode", "n", "kind", "slot", "opened_slot"} & set(wrong)


@pytest.mark.timeout(480)
def test_no_more_blocks_are_needed_than_the_rule_looks_back(tmp_path: Path) -> None:
    played = played_for(9, 6, tmp_path)
    slots = sorted(played.archive.blocks)
    opened = [one for one in played.alerts if one.kind == "opened" and "slow" not in one.trigger]
    alert = max(opened, key=lambda one: one.slot)
    first = alert.slot - lookback_ms(rule_of(alert.trigger)) // 400
    assert first > slots[60]
    basis = basis_of(played, alert, first_slot=next(slot for slot in slots if slot >= first))
    with archive_node(played.archive) as node:
        again = asyncio.run(again_from(node.url, basis))
    assert again.alert is not None
    wrong, _ = apart(alert, again.alert, again.reach)
    assert wrong == []


def test_a_rule_looks_back_as_far_as_its_longest_window() -> None:
    rules = {one.name: lookback_ms(proven(one)) // 60_000 for one in shipped_rules()}
    assert rules["concentrated_accumulation"] == 7
    assert rules["slow_concentration"] == 63
    # Whether a wallet is new is known only an hour on.
    assert rules["sybil_pattern"] == 67


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give an alert, or --check FILE"),
        (("--check", "nowhere.json"), "--check needs --rpc"),
        (("--check", "nowhere.json", "--rpc", "http://127.0.0.1:9"), "nowhere.json"),
        (("--check", os.devnull, "--rpc", "http://127.0.0.1:9"), "is not a proof"),
    ],
)
def test_what_cannot_be_checked_is_refused(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prove.run(arguments(*words)) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "change",
    [
        {"last_slot": 1},
        {"first_slot": 0},
        {"rule": ProvenRule(name="other", revision=0, conditions=("buy_count_5m > 1",))},
        {"rule": ProvenRule(name="extreme_ratio", revision=0, conditions=("nonsense",))},
    ],
)
def test_a_file_that_cannot_be_a_proof_asks_a_node_for_nothing(
    proof: AlertProof, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any]
) -> None:
    path = tmp_path / "false.json"
    path.write_bytes(encode(msgspec.structs.replace(proof, **change)))
    assert prove.run(arguments("--check", path, "--rpc", "http://127.0.0.1:9", *FAST)) == 2
    assert "Traceback" not in capsys.readouterr().err
