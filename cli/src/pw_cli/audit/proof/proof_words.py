"""A checked proof in words: what was derived, the whole rule, and the file's own claims. Pure."""

from __future__ import annotations

from pw_cli.audit.proof.proof_check import Checked, name_of
from pw_cli.audit.proof.proof_reach import Reach
from pw_common.documents.proofs import AlertProof
from pw_common.text.plain_text import LABEL_CHARS_MAX, plain_text
from pw_detection.state.windows import SPANS


def lines_of(checked: Checked, proof: AlertProof, reach: Reach) -> list[str]:
    """The words for a proof that its blocks bear out, or whose conditions rest on more."""
    name = name_of(proof.alert)
    if checked.rests_on_more:
        head = f"not shown: {name}: blocks before these decide on {_list(checked.rests_on_more)}"
    else:
        head = (
            f"checked: {name} on {checked.blocks} blocks, slots {checked.first_slot} to "
            f"{checked.last_slot}"
        )
    beyond = _list(checked.not_derived) if checked.not_derived else "nothing"
    begin = {
        "stored": "that its blocks begin where the stream did",
        "lookback": "that its blocks begin as far back as was looked",
    }[proof.begins]
    beside = (
        f"{checked.own_programs} own programs, {checked.own_lists} entries of lists, "
        f"{checked.earlier} earlier alerts, revision {checked.revision} of the rule, {begin}"
    )
    lines = [
        head,
        *_rule_lines(checked),
        f"of the alert taken from the file, not derived: {beyond}",
        f"beside the rule taken from the file: {beside}",
        _reach_line(checked, reach),
    ]
    if checked.parser != checked.checked_by:
        lines.append(made_by(checked))
    return [*lines, f"sha-256 of what was read in the file: {checked.sha256}"]


def made_by(checked: Checked) -> str:
    """Which parser made the file, if it is not this one."""
    said = plain_text(checked.parser, LABEL_CHARS_MAX)
    return f"made by parser {said}; this is {checked.checked_by}"


def _rule_lines(checked: Checked) -> list[str]:
    """The whole rule, since the author of the file chose it."""
    name = plain_text(checked.trigger, LABEL_CHARS_MAX)
    repeats = f"cooldown {checked.cooldown_s} s, escalates at {checked.escalate_factor!r} times"
    return [
        f"rule {name}: severity {checked.severity}, {repeats}",
        f"conditions: {'; '.join(checked.conditions)}",
        f"gates: {'; '.join(checked.gates) or 'none'}",
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
