"""Compares a proof with what the blocks gave; names what they do not give. Pure."""

from __future__ import annotations

import hashlib

import msgspec

from pw_cli.audit.proof.proof_again import Again, proof_of
from pw_cli.audit.proof.proof_basis import Basis, lookback_ms
from pw_cli.audit.proof.proof_beyond import apart, not_derived, refused
from pw_cli.audit.proof.proof_reach import parts, rests_on_more
from pw_common.documents.proofs import AlertProof
from pw_common.process.version import VERSION
from pw_common.text.plain_text import LABEL_CHARS_MAX, plain_text
from pw_common.wire.alerts import Alert, Severity
from pw_common.wire.messages import encode


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a check, as `pw prove --check FILE --json` prints it.

    `differences` is what the blocks give otherwise. `not_derived` names fields of the alert that
    are taken from the file as they stand there, as are `revision`, `begins`, and the own programs,
    entries of lists and earlier alerts that are counted. `part_of_window` names metrics of whose
    window the blocks hold only a part; `rests_on_more` those conditions that what lies before
    might turn. `parser` made the file and `checked_by` checked it. `sha256` is of everything that
    was read in the file, so that no two proofs have the same outcome.
    """

    checked: bool
    alert: str
    trigger: str
    revision: int
    conditions: tuple[str, ...]
    gates: tuple[str, ...]
    severity: Severity
    cooldown_s: int
    escalate_factor: float
    first_slot: int
    last_slot: int
    blocks: int
    parser: str
    checked_by: str
    sha256: str
    differences: tuple[str, ...] = ()
    not_derived: tuple[str, ...] = ()
    own_programs: int = 0
    own_lists: int = 0
    earlier: int = 0
    begins: str = ""
    reaches_back_s: float = 0.0
    looks_back_s: float = 0.0
    part_of_window: tuple[str, ...] = ()
    rests_on_more: tuple[str, ...] = ()


def checked_of(proof: AlertProof, basis: Basis, again: Again) -> Checked:
    """The outcome of a check. Raises BadRules."""
    wrong = tuple(differences(proof, basis, again))
    outcome = Checked(
        checked=False,
        alert=proof.alert.id,
        trigger=proof.rule.name,
        revision=proof.rule.revision,
        conditions=proof.rule.conditions,
        gates=proof.rule.gates,
        severity=proof.rule.severity,
        cooldown_s=proof.rule.cooldown_s,
        escalate_factor=proof.rule.escalate_factor,
        first_slot=proof.first_slot,
        last_slot=proof.last_slot,
        blocks=len(again.blocks),
        parser=proof.parser,
        checked_by=VERSION,
        sha256=hashlib.sha256(encode(proof)).hexdigest(),
        differences=wrong,
        own_programs=len(proof.own_programs),
        own_lists=len(proof.own_lists),
        earlier=len(proof.earlier),
        begins=proof.begins,
        looks_back_s=lookback_ms(proof.rule) / 1_000,
    )
    if again.alert is None:
        return outcome
    more = rests_on_more(proof.rule, again.alert, again.reach)
    _, beyond = apart(proof.alert, again.alert, again.reach)
    return msgspec.structs.replace(
        outcome,
        checked=not wrong and not more,
        not_derived=not_derived(proof.alert, again.alert, beyond),
        reaches_back_s=again.reach.back_ms / 1_000,
        part_of_window=parts(again.reach),
        rests_on_more=more,
    )


def differences(proof: AlertProof, basis: Basis, again: Again) -> list[str]:
    """Where the file differs from the node's blocks."""
    if again.alert is None:
        return [f"not derived: {name_of(proof.alert)}"]
    wrong, beyond = apart(proof.alert, again.alert, again.reach)
    found = [f"{name_of(proof.alert)}: another {name} than the file says" for name in wrong]
    found += [
        f"the file names {name} as beyond its blocks, and it is not"
        for name in refused(proof.beyond)
    ]
    mine = proof_of(basis, again, beyond)
    unsaid = sorted(set(beyond) - set(proof.beyond))
    found += [f"another {name} than the file says, which does not name it" for name in unsaid]
    said = {one.slot: one for one in proof.blocks}
    had = {one.slot: one for one in mine.blocks}
    if len(said) < len(proof.blocks):
        found.append("the file names a block twice")
    for slot in sorted(said.keys() | had.keys()):
        if said.get(slot) != had.get(slot):
            found.append(f"slot {slot}: {_apart(said.get(slot), had.get(slot))}")
    if (proof.mint_swaps, proof.mint_digest) != (mine.mint_swaps, mine.mint_digest):
        found.append(f"other swaps of the token: {proof.mint_swaps} said, {mine.mint_swaps} found")
    if proof.programs != mine.programs:
        found.append("another table of programs")
    return found


def _apart(said: msgspec.Struct | None, had: msgspec.Struct | None) -> str:
    if said is None or had is None:
        return "no such block in the file" if said is None else "the node has no such block"
    one, two = msgspec.structs.asdict(said), msgspec.structs.asdict(had)
    return f"another {', '.join(name for name in one if one[name] != two[name])}"


def name_of(alert: Alert) -> str:
    """An alert, for people."""
    shown = plain_text(alert.trigger, LABEL_CHARS_MAX)
    return f"{plain_text(alert.id, LABEL_CHARS_MAX)} {alert.kind} {shown} at {alert.slot}"
