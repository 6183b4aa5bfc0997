"""What a proof says held against what the blocks gave, and what of it they do not give. Pure."""

from __future__ import annotations

import msgspec

from pw_cli.proof_again import Again, proof_of
from pw_cli.proof_basis import Basis, lookback_ms
from pw_cli.proof_beyond import apart, not_derived, refused
from pw_cli.proof_reach import Reach, parts, rests_on_more
from pw_common.alerts import Alert
from pw_common.plain_text import LABEL_CHARS_MAX, SENTENCE_CHARS_MAX, plain_text
from pw_common.proofs import AlertProof
from pw_detection.windows import SPANS


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a check, as `pw prove --check FILE --json` prints it.

    `differences` is what the blocks give otherwise. `not_derived` names fields of the alert that
    are taken from the file as they stand there, as are the own programs, the entries of lists and
    the earlier alerts that are counted. `part_of_window` names metrics of whose window the blocks
    hold only a part; `rests_on_more` those conditions that what lies before might turn.
    """

    checked: bool
    alert: str
    trigger: str
    conditions: tuple[str, ...]
    first_slot: int
    last_slot: int
    blocks: int
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
        conditions=proof.rule.conditions,
        first_slot=proof.first_slot,
        last_slot=proof.last_slot,
        blocks=len(again.blocks),
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
    """What the file says otherwise than the node's blocks."""
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
    for slot in sorted(said.keys() | had.keys()):
        if said.get(slot) != had.get(slot):
            found.append(f"slot {slot}: {_apart(said.get(slot), had.get(slot))}")
    if (proof.mint_swaps, proof.mint_digest) != (mine.mint_swaps, mine.mint_digest):
        found.append(f"other swaps of the token: {proof.mint_swaps} said, {mine.mint_swaps} found")
    if proof.programs != mine.programs:
        found.append("another table of programs")
    return found


def lines_of(checked: Checked, proof: AlertProof, reach: Reach) -> list[str]:
    """What is said of a proof that its blocks bear out, or whose conditions rest on more."""
    conditions = plain_text("; ".join(checked.conditions), SENTENCE_CHARS_MAX)
    name = name_of(proof.alert)
    if checked.rests_on_more:
        head = f"not shown: {name}: blocks before these decide on {_list(checked.rests_on_more)}"
    else:
        head = (
            f"checked: {name}: rule {plain_text(checked.trigger)} ({conditions}) on "
            f"{checked.blocks} blocks, slots {checked.first_slot} to {checked.last_slot}"
        )
    beyond = _list(checked.not_derived) if checked.not_derived else "nothing"
    beside = (
        f"{checked.own_programs} own programs, {checked.own_lists} entries of lists, "
        f"{checked.earlier} earlier alerts"
    )
    return [
        head,
        f"of the alert taken from the file, not derived: {beyond}",
        f"beside the rule taken from the file: {beside}",
        _reach_line(checked, reach),
    ]


def _reach_line(checked: Checked, reach: Reach) -> str:
    back_s, looks_s = checked.reaches_back_s, checked.looks_back_s
    if back_s >= looks_s:
        line = f"the blocks reach {back_s:.0f} s back, as far as the rule looks ({looks_s:.0f} s)"
    else:
        says = {
            "stored": "that the stream began there is what the file says",
            "lookback": "the file says that they reach as far",
        }[checked.begins]
        line = (
            f"the blocks reach {back_s:.0f} s back, and the rule looks back {looks_s:.0f} s; {says}"
        )
    some = checked.part_of_window
    if not some:
        return line
    # All metrics of a window are named by it.
    windows = [one.name for one in SPANS if one.name not in reach.windows]
    named = [f"all metrics of {' and '.join(windows)}"] if windows else []
    ends = tuple(f"_{one}" for one in windows)
    named += [one for one in some if not one.endswith(ends)]
    return f"{line}; of a part of their window: {_list(named)}"


def _list(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(names)


def _apart(said: msgspec.Struct | None, had: msgspec.Struct | None) -> str:
    if said is None or had is None:
        return "no such block in the file" if said is None else "the node has no such block"
    one, two = msgspec.structs.asdict(said), msgspec.structs.asdict(had)
    return f"another {', '.join(name for name in one if one[name] != two[name])}"


def name_of(alert: Alert) -> str:
    """An alert, for people."""
    shown = plain_text(alert.trigger, LABEL_CHARS_MAX)
    return f"{plain_text(alert.id, LABEL_CHARS_MAX)} {alert.kind} {shown} at {alert.slot}"
