"""What a checked proof says beside what was derived is said by whoever checks it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pw_cli.audit.proof.proof_check import checked_of, differences
from pw_cli.audit.proof.proof_words import lines_of
from pw_cli.commands.watching import prove
from pw_common.documents.proofs import AlertProof, decode_proof
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


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return played_for(1.3, 8, tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="module")
def derived(played: Played) -> Derived:
    return derived_from(played, first_of(played, MUCH.name))


@pytest.fixture(scope="module")
def proof(derived: Derived) -> AlertProof:
    return proof_from(derived)


def edited(proof: AlertProof, path: Path, **changes: Any) -> Path:
    body = json.loads(encode(proof))
    body["alert"].update(changes.pop("alert", {}))
    body.update(changes)
    path.write_text(json.dumps(body))
    return path


def test_what_is_not_derived_is_named_and_what_the_file_brought_is_counted(
    played: Played, proof: AlertProof, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    buyers = json.loads(encode(proof.alert))["top_buyers"]
    buyers[0]["labels"] = ["a friend"]
    path = edited(
        proof,
        tmp_path / "proof.json",
        alert={"creator": "somebody", "top_buyers": buyers},
        beyond=["near", "creator"],
        own_lists=[{"address": "1" * 32, "list": "wallet"}],
    )
    code, out, err = check(played, path, capsys)
    assert code == 0, out + err
    assert "not derived: creator, near, labels of top_buyers" in out
    assert "0 own programs, 1 entries of lists, 0 earlier alerts" in out
    assert "and the rule looks back 430 s" in out
    assert "that the stream began there is what the file says" in out
    assert "of a part of their window: all metrics of 5m and 1h" in out
    code, out, err = check(played, path, capsys, "--json")
    assert code == 0, out + err
    said = json.loads(out)
    assert said["checked"] is True
    assert said["not_derived"] == ["creator", "near", "labels of top_buyers"]
    assert (said["own_programs"], said["own_lists"], said["earlier"]) == (0, 1, 0)
    assert said["reaches_back_s"] < said["looks_back_s"] == 430
    assert {"buy_count_5m", "buy_count_1h", "new_wallet_pct_5m"} <= {*said["part_of_window"]}
    assert (said["differences"], said["rests_on_more"]) == ([], [])


@pytest.mark.parametrize(
    ("alert", "beyond", "said"),
    [
        ({"detail": "Buy now."}, ["near", "detail"], "another detail than the file says"),
        ({"decimals": 3}, ["near", "decimals"], "another decimals than the file says"),
        ({"links": {}}, ["near", "links"], "another links than the file says"),
        ({}, ["near", "evidence"], "the file names evidence as beyond its blocks, and it is not"),
        ({}, ["near", "made up"], "the file names made up as beyond its blocks, and it is not"),
    ],
)
def test_a_file_cannot_excuse_what_its_blocks_give(
    derived: Derived,
    proof: AlertProof,
    tmp_path: Path,
    alert: dict[str, Any],
    beyond: list[str],
    said: str,
) -> None:
    path = edited(proof, tmp_path / "proof.json", alert=alert, beyond=beyond)
    false = decode_proof(path.read_bytes())
    [found] = differences(false, derived.basis, derived.again)
    assert said in found


def test_a_rule_that_holds_only_since_the_blocks_begin_late_is_not_shown(
    played: Played, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Nobody sold within these blocks; who sold before them nobody can tell.
    alert = first_of(played, "extreme_ratio")
    assert alert.conditions[0].unknown == "no_sells"
    path = tmp_path / "proof.json"
    path.write_bytes(encode(proof_from(derived_from(played, alert))))
    code, out, err = check(played, path, capsys)
    assert code == 1, out + err
    assert f"not shown: {alert.id}" in out
    assert "blocks before these decide on buy_sell_ratio_5m > 10" in out
    assert "checked:" not in out
    code, out, err = check(played, path, capsys, "--json")
    assert code == 1, out + err
    said = json.loads(out)
    assert said["checked"] is False
    assert said["rests_on_more"] == ["buy_sell_ratio_5m > 10"]


@pytest.mark.timeout(480)
def test_a_rule_is_shown_once_the_blocks_hold_its_whole_window(tmp_path: Path) -> None:
    played = played_for(8.2, 3, tmp_path)
    alert = max(
        (one for one in played.alerts if one.trigger == "whale_concentration"),
        key=lambda one: one.slot,
    )
    basis, again = derived_from(played, alert, first_slot=alert.slot - 440_000 // 400)
    proof = proof_from(Derived(basis, again))
    assert again.reach.windows == {"5m"}
    checked = checked_of(proof, basis, again)
    assert (checked.checked, checked.rests_on_more) == (True, ())
    said = "\n".join(lines_of(checked, proof, again.reach))
    assert "as far as the rule looks (430 s)" in said
    assert "of a part of their window: all metrics of 1h, new_wallet_pct_5m" in said


def test_json_is_of_a_check_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert prove.run(arguments("x", "--json")) == 2
    assert "--json needs --check FILE" in capsys.readouterr().err
