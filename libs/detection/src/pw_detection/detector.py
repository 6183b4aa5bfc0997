"""The whole step: a closed slot in, the alerts that it gives out. Pure, and the same everywhere."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any, Final, NamedTuple

from pw_common.ordering.assembly import ClosedSlot
from pw_common.wire.alerts import Alert, of_detector
from pw_detection.alerts.alerting import SHORT, alert_of, facts_of
from pw_detection.alerts.edited import CHANGED, GONE, edited_by, summaries
from pw_detection.alerts.episodes import Episodes, Firing, Key
from pw_detection.rules.evaluate import evaluate, holds, near
from pw_detection.rules.lists import Lists, Mutes, WatchLists, effective_mutes
from pw_detection.rules.quick import all_may, ready
from pw_detection.rules.rules import Compiled, Rule, compiled, shipped_rules
from pw_detection.state.market import Market, Token
from pw_detection.state.metrics import BY_NAME, Reading, as_float
from pw_detection.state.windows import Window
from pw_detection.unlisted import Unlisted

TICK_MS: Final = 60_000
HOT_MS: Final = 3_600_000
COOLDOWN_MAX_MS: Final = 86_400_000
# No window is longer than an hour; five minutes for slots that close in another order again.
WINDOWED_MS: Final = 65 * 60_000


class _Change(NamedTuple):
    """Something configured that holds from a slot."""

    from_slot: int
    revision: int
    rules: tuple[Compiled, ...] | None = None
    watched: WatchLists | None = None
    mutes: Mutes | None = None


class Detector:
    """State and configuration; `fold` without evaluation is how a restart rebuilds it."""

    def __init__(self, rules: Sequence[Rule] | None = None) -> None:
        self.market = Market()
        self.unlisted = Unlisted()
        # Of the last step, beside its alerts: notices about programs, which belong to no token.
        self.notices: list[Alert] = []
        self.episodes = Episodes()
        self.revision = 0
        self._rules = compiled(shipped_rules() if rules is None else rules)
        self._ready = ready(self._rules)
        self._watched: WatchLists | None = None
        self._mutes = Mutes()
        self._lists = Lists(self._watched, effective_mutes(self._mutes))
        self.market.muted_wallets = self._lists.muted_wallets
        self._pending: list[_Change] = []
        self._tick = 0
        # Changes up to here have ended the episodes that they end.
        self._restored_slot = 0
        # Mint -> when a rule last fired for it.
        self._fired_ms: dict[str, int] = {}

    def set_rules(self, revision: int, rules: Sequence[Rule], from_slot: int) -> None:
        """Rules that hold from a slot on. Raises BadRules."""
        self._pending.append(_Change(from_slot, revision, rules=compiled(rules)))

    def set_watchlists(self, watched: WatchLists, from_slot: int) -> None:
        """Watch lists that hold from a slot on."""
        self._pending.append(_Change(from_slot, 0, watched=watched))

    def set_mutes(self, mutes: Mutes, from_slot: int) -> None:
        """Mutes that hold from a slot on."""
        self._pending.append(_Change(from_slot, 0, mutes=mutes))

    def restore(
        self,
        alerts: Iterable[Alert],
        *,
        restarts_at_ms: int = 0,
        session_since_ms: int = 0,
        evaluates_from_ms: int = 0,
        cut_ms: int = 0,
        until_slot: int = 0,
    ) -> None:
        """Take up the alerts that were given before, before anything is folded again.

        Args:
            alerts: Tokens' alerts and notices in the order in which they were given.
            restarts_at_ms: The event time after which everything will be folded.
            session_since_ms: The event time at which the present session began.
            evaluates_from_ms: The event time up to which slots will be folded alone: what no
                window of that time reaches needs not be put into one.
            cut_ms: Up to where the hour had been cut to fit into memory. 0 where one of these
                is not known.
            until_slot: The last slot whose alerts are among these.
        """
        every = list(alerts)
        self.unlisted.restore(every)
        given = [alert for alert in every if of_detector(alert)]
        self._restored_slot = until_slot
        self.market.restarts_at_ms = restarts_at_ms
        self.market.restarts_cut_ms = cut_ms
        self.market.windows_from_ms = max(cut_ms, evaluates_from_ms - WINDOWED_MS)
        self.episodes.restore(given, session_since_ms)
        for alert in given:
            if alert.kind != "closed" and alert.event_time_ms >= session_since_ms:
                self._fired_ms[alert.mint] = alert.event_time_ms

    def fold(self, closed: ClosedSlot) -> None:
        """Fold a slot whose alerts are stored already."""
        if closed.is_before_session:
            return
        if closed.amends:
            self._amend(closed)
            return
        self._apply_changes(closed.slot)
        self.market.defers = True
        self._count_unlisted(closed)
        self.market.fold(closed)
        self._ticked(closed.event_time_ms)

    def step(self, closed: ClosedSlot) -> list[Alert]:
        """Fold a slot and give its alerts, in a fixed order; a filled gap gives none.

        What lies before the session changes nothing: windows, wallets and facts begin with it.
        """
        self.notices = []
        if closed.is_before_session:
            return []
        self.market.windows_from_ms = 0
        self.market.settle()
        if closed.amends:
            self._amend(closed)
            return []
        alerts: list[Alert] = []
        edited = self._apply_changes(closed.slot)
        if closed.reset:
            alerts += self._close_all(closed, "the stream was interrupted")
        unlisted = self._count_unlisted(closed)
        self.notices = self.unlisted.due(unlisted, closed.slot)
        touched = self.market.fold(closed)
        alerts += self._close_edited(closed, edited)
        if self._ticked(closed.event_time_ms):
            alerts += self._close_ended(closed)
        for mint in sorted(touched):
            alerts += self._evaluate(mint, closed)
        for alert in alerts:
            if alert.kind != "closed":
                self._fired_ms[alert.mint] = closed.event_time_ms
        return alerts

    def _amend(self, filled: ClosedSlot) -> None:
        self.unlisted.amend(filled)
        self.market.amend(filled)

    def _count_unlisted(self, closed: ClosedSlot) -> set[str]:
        if closed.reset:
            # What a restart folds first is not a beginning.
            self.unlisted.begin(self.market.restarts_at_ms or closed.event_time_ms)
        touched = self.unlisted.fold(closed)
        self.market.beside_bytes = self.unlisted.bytes_held
        return touched

    def state(self, mint: str) -> str:
        """HOT: an episode is open or fired within the hour. WARM: it trades. Else COLD."""
        fired_ms = self._fired_ms.get(mint)
        if self.episodes.is_open(mint):
            return "HOT"
        if fired_ms is not None and 0 <= self.market.event_time_ms - fired_ms < HOT_MS:
            return "HOT"
        return "WARM" if mint in self.market.tokens else "COLD"

    def hot(self) -> list[dict[str, Any]]:
        """Every HOT token, as a projection."""
        return [self.token(mint) for mint in sorted(self._hot_mints())]

    def tokens(self, warm_max: int) -> list[dict[str, Any]]:
        """HOT tokens and the `warm_max` others that are bought most, as a projection."""
        return self.hot() + self.warm(warm_max)

    def warm(self, warm_max: int) -> list[dict[str, Any]]:
        """The `warm_max` tokens that are bought most and are not HOT, as a projection."""
        hot = self._hot_mints()
        self.market.settle()
        warm = heapq.nsmallest(
            warm_max,
            (token for mint, token in self.market.tokens.items() if mint not in hot),
            key=lambda token: (-token.five.buy_lamports, token.mint),
        )
        return [self.token(token.mint) for token in warm]

    def token(self, mint: str) -> dict[str, Any]:
        """One token's state, facts and metrics; unknown ones say so."""
        self.market.advance([mint])
        return {"mint": mint, "state": self.state(mint), **facts_of(self.market, mint)}

    def why(self, mint: str) -> list[dict[str, Any]]:
        """Each rule: its verdict, its values, and what keeps it from firing."""
        self.market.advance([mint])
        token = self.market.tokens.get(mint)
        if token is None:
            return []
        rows = []
        for rule in self._rules:
            evaluation = evaluate(rule, partial(self._read, token))
            rows.append(
                {
                    "trigger": rule.rule.name,
                    "verdict": evaluation.verdict,
                    "conditions": evaluation.conditions,
                    "blocked": [*evaluation.blocked, *self._blocked(rule, mint)],
                    "near": near(rule, evaluation).fell_short_by,
                }
            )
        return rows

    def _hot_mints(self) -> set[str]:
        return {mint for mint in self._fired_ms if self.state(mint) == "HOT"}

    def _blocked(self, rule: Compiled, mint: str) -> list[str]:
        now_ms, key = self.market.event_time_ms, (mint, rule.rule.name)
        blocked = [] if rule.rule.enabled else ["disabled"]
        mute = self._lists.muted_token(mint, now_ms)
        if mute is not None:
            blocked.append(f"muted: {mute.reason or 'no reason given'}")
        if key in self.episodes.open:
            blocked.append("its episode is open")
        elif left_ms := self.episodes.cooling_left_ms(key, now_ms, rule.rule.cooldown_s):
            left_s = -(-left_ms // 1_000)
            blocked.append(f"cooling down for {left_s} s more, of {rule.rule.cooldown_s} s")
        return blocked

    def _apply_changes(self, slot: int) -> set[str]:
        """Apply what holds by now; returns the names of rules that an edit may have ended."""
        due = sorted(
            (change for change in self._pending if change.from_slot <= slot),
            key=lambda change: (change.from_slot, change.revision),
        )
        if not due:
            return set()
        self._pending = [change for change in self._pending if change.from_slot > slot]
        edited: set[str] = set()
        for change in due:
            if change.rules is not None:
                if change.from_slot > self._restored_slot:
                    edited |= edited_by(self._rules, change.rules)
                self._rules, self.revision = change.rules, change.revision
                self._ready = ready(self._rules)
            self._watched = change.watched or self._watched
            self._mutes = change.mutes or self._mutes
            if change.rules is None:
                self._lists = Lists(self._watched, effective_mutes(self._mutes))
                self.market.muted_wallets = self._lists.muted_wallets
        return edited

    def _ticked(self, event_time_ms: int) -> bool:
        """Whether a minute of event time began: then windows are swept and episodes ended."""
        tick = event_time_ms // TICK_MS
        if tick == self._tick:
            return False
        self._tick = tick
        self.market.sweep()
        self.episodes.forget(event_time_ms - COOLDOWN_MAX_MS)
        self._fired_ms = {
            mint: ms for mint, ms in self._fired_ms.items() if event_time_ms - ms < HOT_MS
        }
        return True

    def _evaluate(self, mint: str, closed: ClosedSlot) -> list[Alert]:
        token = self.market.tokens.get(mint)
        if token is None or self._lists.muted_token(mint, closed.event_time_ms) is not None:
            return []
        read = partial(self._read, token)
        alerts = []
        for rule, may_hold, rest in self._ready:
            if not all_may(may_hold, token) or not holds(rest, read):
                continue
            if rule.gates and evaluate(rule, read).blocked:
                continue
            lead = as_float(read(rule.lead).value) if rule.lead else None
            firing = self.episodes.held(
                (mint, rule.rule.name),
                closed.slot,
                closed.event_time_ms,
                lead=lead or 0.0,
                severity=rule.rule.severity,
                cooldown_s=rule.rule.cooldown_s,
                escalate_factor=rule.rule.escalate_factor,
            )
            if firing is not None:
                alerts.append(self._alert(firing, rule, token, closed, ""))
        return alerts

    def _close_ended(self, closed: ClosedSlot) -> list[Alert]:
        rules = {rule.rule.name: rule for rule in self._rules}
        held = sorted(self.episodes.open)
        ended = [key for key in held if not self._holds_still(key, rules.get(key[1]))]
        return self._close(ended, closed, "its conditions no longer hold")

    def _close_edited(self, closed: ClosedSlot, edited: set[str]) -> list[Alert]:
        """End what an edit ended; several episodes of one rule are one summary."""
        alerts: list[Alert] = []
        rules = {rule.rule.name: rule for rule in self._rules if rule.rule.enabled}
        for name in sorted(edited):
            rule = rules.get(name)
            keys = [key for key in sorted(self.episodes.open) if key[1] == name]
            if rule is not None:
                self.market.advance(key[0] for key in keys)
                keys = [key for key in keys if not self._holds_still(key, rule)]
            detail = GONE if rule is None else CHANGED
            if len(keys) < 2:
                alerts += self._close(keys, closed, detail)
                continue
            ended = ((key, self.episodes.close(key)) for key in keys)
            firings = [(key, firing) for key, firing in ended if firing is not None]
            alerts += summaries(firings, closed, rule=name, detail=detail, name_of=self._name_of)
        return alerts

    def _holds_still(self, key: Key, rule: Compiled | None) -> bool:
        token = self.market.tokens.get(key[0])
        if token is None or rule is None:
            return False
        return holds(rule.conditions, partial(self._read, token))

    def _name_of(self, mint: str) -> str:
        facts = self.market.facts.get(mint)
        return (facts.symbol if facts else "") or mint[:SHORT]

    def _close_all(self, closed: ClosedSlot, detail: str) -> list[Alert]:
        alerts = self._close(sorted(self.episodes.open), closed, detail)
        self.episodes.reset()
        self._fired_ms.clear()
        self._tick = 0
        return alerts

    def _close(self, keys: list[Key], closed: ClosedSlot, detail: str) -> list[Alert]:
        rules = {rule.rule.name: rule for rule in self._rules}
        # Only a question about a token has brought its windows to the present.
        self.market.advance(key[0] for key in keys)
        alerts = []
        for key in keys:
            firing = self.episodes.close(key)
            if firing is not None:
                token = self.market.tokens.get(key[0]) or Token(key[0], [])
                alerts.append(self._alert(firing, rules.get(key[1]), token, closed, detail, key[1]))
        return alerts

    def _alert(
        self,
        firing: Firing,
        rule: Compiled | None,
        token: Token,
        closed: ClosedSlot,
        detail: str,
        name: str = "",
    ) -> Alert:
        read = partial(self._read, token)
        others = [one for one in self._rules if one is not rule and one.rule.enabled]
        evaluations = [(one, evaluate(one, read)) for one in others]
        return alert_of(
            self.market,
            token,
            self._lists,
            firing,
            rule=rule.rule.name if rule is not None else name,
            conditions=evaluate(rule, read).conditions if rule is not None else (),
            near=tuple(near(one, found) for one, found in evaluations if found.verdict != "holds"),
            slot=closed.slot,
            event_time_ms=closed.event_time_ms,
            detail=detail,
        )

    def _read(self, token: Token, name: str) -> Reading:
        metric = BY_NAME.get(name)
        if metric is not None:
            return metric.read(self.market, token)
        return self._read_list(token, name)

    def _read_list(self, token: Token, name: str) -> Reading:
        """Metrics that come from the lists."""
        labels = self._lists.labels
        if name == "watched_token":
            return Reading(int(token.mint in labels["token"]))
        if name == "watched_creator":
            facts = self.market.facts.get(token.mint)
            return Reading(int(facts is not None and facts.creator in labels["creator"]))
        window = token.window(name.removeprefix("watched_buyers_"))
        if not window.count:
            return Reading(None, "no_trades")
        return Reading(Fraction(self._watched_in(window)))

    def _watched_in(self, window: Window) -> int:
        """How many watched wallets bought: walks the smaller of the two sets."""
        watched, buyers = self._lists.labels["wallet"], window.buyers
        if len(watched) < len(buyers):
            return sum(name in buyers for name in watched)
        return sum(name in watched for name in buyers)
