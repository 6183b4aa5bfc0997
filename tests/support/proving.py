"""A market whose alerts are proven from a node, and proofs of them."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from pw_cli.audit.proof.proof_again import Again, derive_again, proof_of
from pw_cli.audit.proof.proof_basis import Basis
from pw_cli.audit.proof.proof_beyond import apart
from pw_cli.commands.watching import prove
from pw_cli.history.history_node import history_node
from pw_cli.offline.offline import closed_slots
from pw_common.documents.proofs import AlertProof, ProvenRule
from pw_common.wire.alerts import Alert
from pw_common.wire.captures import CaptureWriter
from pw_detection.detector import Detector
from pw_detection.rules.rules import Rule, shipped_rules
from pw_replay.market import generate
from support.archive_node import Archive, archive_node, archive_of

FAST = ("--rpc-rate", "1000", "--patience", "3")
# Whatever lies before the blocks, it holds: what was bought can only be more.
MUCH: Final = Rule(name="much", conditions=("buy_volume_sol_5m >= 10", "buy_count_5m >= 10"))
RULES: Final = (*shipped_rules(), MUCH)


class Played(NamedTuple):
    archive: Archive
    alerts: list[Alert]


def played_for(minutes: float, tps: int, folder: Path) -> Played:
    updates = list(generate(seed=5, minutes=minutes, tps=tps))
    path = folder / "market.pb"
    with CaptureWriter(path) as writer:
        for update in updates:
            writer.write(update)
    detector = Detector(RULES)
    alerts = [alert for closed in closed_slots([path]) for alert in detector.step(closed)]
    assert len(alerts) >= 2
    return Played(archive_of(updates), alerts)


def rule_of(name: str) -> ProvenRule:
    [rule] = [one for one in RULES if one.name == name]
    return proven(rule)


def proven(rule: Rule) -> ProvenRule:
    return ProvenRule(
        name=rule.name,
        revision=0,
        conditions=rule.conditions,
        severity=rule.severity,
        cooldown_s=rule.cooldown_s,
        escalate_factor=rule.escalate_factor,
    )


def basis_of(played: Played, alert: Alert, *, first_slot: int | None = None) -> Basis:
    first_slot = min(played.archive.blocks) if first_slot is None else first_slot
    earlier = tuple(
        one
        for one in played.alerts
        if (one.mint, one.trigger) == (alert.mint, alert.trigger) and one.slot < first_slot
    )
    return Basis(alert, rule_of(alert.trigger), first_slot, "stored", (), (), earlier)


def arguments(*words: str | Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    prove.add_arguments(parser)
    return parser.parse_args([str(one) for one in words])


async def again_from(url: str, basis: Basis) -> Again:
    args = arguments("x", "--rpc", url, *FAST)
    async with history_node(args, lambda _line: None) as rpc:
        return await derive_again(rpc, basis)


class Derived(NamedTuple):
    basis: Basis
    again: Again


def first_of(played: Played, trigger: str, kind: str = "opened") -> Alert:
    found = [one for one in played.alerts if (one.trigger, one.kind) == (trigger, kind)]
    return min(found, key=lambda one: one.slot)


def derived_from(played: Played, alert: Alert, *, first_slot: int | None = None) -> Derived:
    basis = basis_of(played, alert, first_slot=first_slot)
    with archive_node(played.archive) as node:
        return Derived(basis, asyncio.run(again_from(node.url, basis)))


def proof_from(derived: Derived) -> AlertProof:
    assert derived.again.alert is not None
    wrong, beyond = apart(derived.basis.alert, derived.again.alert, derived.again.reach)
    assert wrong == []
    return proof_of(derived.basis, derived.again, beyond)


def check(
    played: Played, path: Path, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str, str]:
    with archive_node(played.archive) as node:
        code = prove.run(arguments("--check", path, "--rpc", node.url, *FAST, *words))
    said = capsys.readouterr()
    return code, said.out, said.err
