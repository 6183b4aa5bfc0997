"""What an edit of the rules ends: which rules changed, and one summary for many episodes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from pw_common.ordering.assembly import ClosedSlot
from pw_common.text.plain_text import plain_text
from pw_common.wire.alerts import ENDED_MAX, Alert, Ended, alert_id, episode_id
from pw_detection.alerts.episodes import SEVERITIES, Firing, Key
from pw_detection.rules.rules import Compiled

GONE: Final = "its rule was removed or turned off"
CHANGED: Final = "its rule was changed and does not hold"
NAMED_MAX: Final = 5


def edited_by(before: Sequence[Compiled], after: Sequence[Compiled]) -> set[str]:
    """Names of rules that may no longer fire as they did: gone, off, or with other conditions."""
    now = {one.rule.name: one for one in after if one.rule.enabled}
    edited = set()
    for one in before:
        new = now.get(one.rule.name)
        if one.rule.enabled and (new is None or new.conditions != one.conditions):
            edited.add(one.rule.name)
    return edited


def summaries(
    firings: Sequence[tuple[Key, Firing]],
    closed: ClosedSlot,
    *,
    rule: str,
    detail: str,
    name_of: Callable[[str], str],
) -> list[Alert]:
    """The summary where an edit ended several episodes of a rule: one alert, or a few.

    Args:
        name_of: How people call a token.
    """
    episode = episode_id("", rule, closed.slot)
    alerts = []
    for n, at in enumerate(range(0, len(firings), ENDED_MAX)):
        part = firings[at : at + ENDED_MAX]
        names = ", ".join(plain_text(name_of(mint)) for (mint, _), _ in part[:NAMED_MAX])
        more = f" and {len(part) - NAMED_MAX} more" if len(part) > NAMED_MAX else ""
        alerts.append(
            Alert(
                id=alert_id(episode, n),
                episode=episode,
                n=n,
                kind="closed",
                trigger=rule,
                severity=SEVERITIES[max(SEVERITIES.index(firing.severity) for _, firing in part)],
                slot=closed.slot,
                opened_slot=closed.slot,
                event_time_ms=closed.event_time_ms,
                title=f"{rule.replace('_', ' ')}: {len(part)} episodes ended",
                detail=f"{detail}: {names}{more}",
                ended=tuple(Ended(mint=mint, episode=firing.episode) for (mint, _), firing in part),
            )
        )
    return alerts
