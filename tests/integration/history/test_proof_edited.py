"""No edit of a true proof passes in silence: it is refused, or what is said is another."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pw_cli.audit.proof.proof_check import checked_of, differences
from pw_cli.audit.proof.proof_words import lines_of
from pw_cli.commands.watching import prove
from pw_common.documents.proofs import AlertProof, decode_proof
from pw_common.process.version import VERSION
from pw_common.wire.messages import encode
from support.proving import (
    MUCH,
    Derived,
    Played,
    arguments,
    check,
    derived_from,
    first_of,
    played_for,
    proof_from,
)

Edit = Callable[[Any], Any]
GATE = "buy_count_5m >= 1"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return played_for(1.3, 8, tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="module")
def derived(played: Played) -> Derived:
    return derived_from(played, first_of(played, MUCH.name))


@pytest.fixture(scope="module")
def proof(derived: Derived) -> AlertProof:
    return proof_from(derived)


def edited(proof: AlertProof, edit: Edit) -> bytes:
    body = json.loads(encode(proof))
    edit(body)
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("edit", "said", "field"),
    [
        (lambda b: b["rule"].update(revision=7), "revision 7 of the rule", ("revision", 7)),
        (lambda b: b["rule"].update(cooldown_s=901), "cooldown 901 s", ("cooldown_s", 901)),
        (
            lambda b: b["rule"].update(escalate_factor=2.0000001),
            "escalates at 2.0000001 times",
            ("escalate_factor", 2.0000001),
        ),
        (lambda b: b["rule"].update(gates=[GATE]), f"gates: {GATE}", ("gates", [GATE])),
        (
            lambda b: b.update(parser="9.9.9"),
            f"made by parser 9.9.9; this is {VERSION}",
            ("parser", "9.9.9"),
        ),
        (
            lambda b: b.update(begins="lookback"),
            "that its blocks begin as far back as was looked",
            ("begins", "lookback"),
        ),
    ],
)
def test_what_only_the_file_says_is_said(
    derived: Derived, proof: AlertProof, edit: Edit, said: str, field: Any
) -> None:
    false = decode_proof(edited(proof, edit))
    basis = derived.basis
    true_lines = lines_of(checked_of(proof, basis, derived.again), proof, derived.again.reach)
    assert said not in "\n".join(true_lines)
    outcome = checked_of(false, basis, derived.again)
    assert outcome.checked
    assert said in "\n".join(lines_of(outcome, false, derived.again.reach))
    name, value = field
    assert json.loads(encode(outcome))[name] == value


@pytest.mark.parametrize(
    "edit",
    [
        lambda b: b["alert"]["near"].append({"trigger": "other", "fell_short_by": ["x > 1"]}),
        lambda b: b["own_lists"].append({"address": "1" * 32, "list": "wallet"}),
        lambda b: b["beyond"].append("name"),
    ],
)
def test_two_proofs_never_have_the_same_outcome(
    derived: Derived, proof: AlertProof, edit: Edit
) -> None:
    false = decode_proof(edited(proof, edit))
    one = checked_of(proof, derived.basis, derived.again)
    two = checked_of(false, derived.basis, derived.again)
    assert one.sha256 != two.sha256
    assert two.sha256 in lines_of(two, false, derived.again.reach)[-1]


def test_a_block_that_is_named_twice_is_not_borne_out(derived: Derived, proof: AlertProof) -> None:
    def edit(body: Any) -> None:
        body["blocks"].insert(3, {**body["blocks"][3], "blockhash": "x" * 44})

    false = decode_proof(edited(proof, edit))
    assert differences(false, derived.basis, derived.again) == ["the file names a block twice"]


def test_a_check_prints_the_rule_whole(
    played: Played, proof: AlertProof, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "proof.json"
    path.write_bytes(edited(proof, lambda b: b["rule"].update(gates=[GATE])))
    code, out, err = check(played, path, capsys)
    assert code == 0, out + err
    lines = out.splitlines()
    assert "rule much: severity warning, cooldown 900 s, escalates at 2.0 times" in lines
    assert f"conditions: {'; '.join(MUCH.conditions)}" in lines
    assert f"gates: {GATE}" in lines
    assert "made by parser" not in out


@pytest.mark.parametrize(
    ("edit", "name"),
    [
        (lambda b: b.update(audited_by="X"), "audited_by"),
        (lambda b: b["alert"].update(audited_by="X"), "alert.audited_by"),
        (lambda b: b["rule"].update(audited_by="X"), "rule.audited_by"),
        (lambda b: b["rule"].update(type="X"), "rule.type"),
        (lambda b: b["blocks"][4].update(audited_by=[{}]), "blocks[4].audited_by"),
        (lambda b: b["alert"]["conditions"][1].update(x=1), "alert.conditions[1].x"),
        (lambda b: b["alert"].update({"\x1b[2J": 1}), "alert.\ufffd[2J"),
    ],
)
def test_a_field_that_is_not_read_is_refused_by_its_name(
    proof: AlertProof,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    edit: Edit,
    name: str,
) -> None:
    path = tmp_path / "proof.json"
    path.write_bytes(edited(proof, edit))
    assert decode_proof(path.read_bytes()) == proof
    assert prove.run(arguments("--check", path, "--rpc", "http://127.0.0.1:9")) == 2
    assert f"says more than a proof does: no such field: {name}\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("true", "false", "said"),
    [
        (b'"rule":{', b'"rule":{"revision":7,', "the field 'revision' stands twice"),
        (b'"rule":{', b'"rule":{"x":' + b"9" * 5_000 + b",", "no such field: rule.x"),
        (b'"rule":{', b'"rule":{"x":"\xff",', "is not a proof"),
        (b'"rule":{', b'"rule":{"x":' + b"[" * 50_000 + b"]" * 50_000 + b",", "is not a proof"),
    ],
    ids=["twice", "a long number", "no UTF-8", "deep"],
)
def test_what_only_another_reader_would_see_is_refused(
    proof: AlertProof,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    true: bytes,
    false: bytes,
    said: str,
) -> None:
    path = tmp_path / "proof.json"
    path.write_bytes(encode(proof).replace(true, false, 1))
    assert prove.run(arguments("--check", path, "--rpc", "http://127.0.0.1:9")) == 2
    assert said in capsys.readouterr().err
