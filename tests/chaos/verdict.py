"""What a disturbed run is found guilty of: pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from chaos.delivered import difference
from chaos.outcome import Outcome


@dataclass(frozen=True)
class Verdict:
    """`lines` are for people, `figures` for a report."""

    is_clean: bool
    lines: list[str]
    figures: dict[str, Any]


def judge(expected: Outcome, outcome: Outcome) -> Verdict:
    """Compare a disturbed run with what it must give, or with an undisturbed one."""
    found, undisturbed = outcome.delivered, expected.delivered
    apart = difference(undisturbed, found)
    lost, doubled = sum(apart.lost.values()), sum(apart.doubled.values())
    pace = found.transactions / outcome.seconds if outcome.seconds else 0.0
    told = (
        f"expected: {undisturbed.swaps.total()} swaps, {undisturbed.alerts.total()} alerts, "
        f"{undisturbed.notifications.total()} notifications\n"
        f"disturbed: {len(outcome.landed)} faults in {outcome.seconds:.0f} s at {pace:.0f} tx/s\n"
        f"stored duplicates {found.stored_duplicates}, late {found.late}, gaps {found.gaps}, "
        f"dead letters {found.dead_letters}, batches stored twice {found.stored_twice}, "
        f"notifications sent again {found.sent_again}, sequence gaps given up {outcome.given_up}, "
        f"cuts at the memory limit {outcome.cuts}"
    )
    lines = [
        *told.splitlines(),
        *(f"gap: {one}" for one in found.gaps_said),
        *(f"crash: {one}" for one in outcome.crashes + expected.crashes),
        f"lost {lost}, doubled {doubled}",
    ]
    if lost or doubled:
        lines.insert(-1, f"lost by kind {apart.lost}, doubled by kind {apart.doubled}")
    wrong = lost or doubled or found.stored_twice or outcome.given_up
    for one in (undisturbed, found):
        wrong = wrong or one.late or one.gaps or one.dead_letters
    if expected.given_up or undisturbed.late or undisturbed.gaps or undisturbed.dead_letters:
        lines.insert(
            1,
            f"the undisturbed run was none: late {undisturbed.late}, gaps {undisturbed.gaps}, "
            f"dead letters {undisturbed.dead_letters}, sequence gaps given up {expected.given_up}",
        )
        wrong = True
    figures = {
        "faults": dict(Counter(kind for kind, _ in outcome.landed)),
        "seconds": round(outcome.seconds, 1),
        "tx_per_s": round(pace, 1),
        "swaps": undisturbed.swaps.total(),
        "alerts": undisturbed.alerts.total(),
        "notifications": undisturbed.notifications.total(),
        "lost": apart.lost,
        "doubled": apart.doubled,
        "stored_duplicates": found.stored_duplicates,
        "stored_twice": found.stored_twice,
        "late": found.late,
        "gaps": found.gaps,
        "dead_letters": found.dead_letters,
        "sent_again": found.sent_again,
        "sequence_gaps_given_up": outcome.given_up,
        "cuts": outcome.cuts,
        "crashes": outcome.crashes + expected.crashes,
    }
    is_clean = not wrong and not outcome.crashes and not expected.crashes
    return Verdict(is_clean, lines, figures)
