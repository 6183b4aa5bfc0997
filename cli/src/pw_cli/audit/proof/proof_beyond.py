"""Which fields of an alert its rule and these blocks give, and which may rest on more. Pure.

A field that they give must be the same. Any other may differ for a known reason: it was not
derived, and the proof says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from pw_cli.audit.proof.proof_reach import OF_CREATION, Reach, is_part
from pw_common.wire.alerts import Alert, Buyer
from pw_detection.alerts.alerting import gap_words
from pw_detection.state.market import VENUES_MS
from pw_detection.state.metrics import BY_NAME

# What an alert says that rests on its rule and these blocks alone.
RESTS_ON: Final = (
    "id",
    "episode",
    "n",
    "kind",
    "trigger",
    "severity",
    "slot",
    "opened_slot",
    "event_time_ms",
    "mint",
    "conditions",
    "evidence",
    "top_buyers",
    "ended",
)
LABELS: Final = "labels of top_buyers"


def _always(_stored: Alert, _again: Alert, _reach: Reach) -> bool:
    return True


def _never(_stored: Alert, _again: Alert, _reach: Reach) -> bool:
    return False


def _by_metric(stored: Alert, again: Alert, reach: Reach) -> bool:
    return not _wrong_metrics(stored, again, reach)


def _says_its_gap(stored: Alert, _again: Alert, _reach: Reach) -> bool:
    gapped = () if stored.gapped is msgspec.UNSET else stored.gapped
    return bool(gapped) and stored.detail == gap_words(gapped)


def _creation(name: str) -> Callable[[Alert, Alert, Reach], bool]:
    """Known from the token's creation: these blocks lack it, or the stored alert claims nothing."""

    def may(stored: Alert, _again: Alert, reach: Reach) -> bool:
        return not reach.created or getattr(stored, name) is None

    return may


def _price(stored: Alert, _again: Alert, reach: Reach) -> bool:
    return is_part("price_sol", reach) or stored.price_sol is None


def _market_cap(stored: Alert, again: Alert, reach: Reach) -> bool:
    return _price(stored, again, reach) or _creation("market_cap_sol")(stored, again, reach)


def _venues(stored: Alert, _again: Alert, reach: Reach) -> bool:
    # A swap names its pool's venues once an hour.
    return not stored.venues or (reach.back_ms < VENUES_MS and not reach.created)


def _decimals(_stored: Alert, again: Alert, _reach: Reach) -> bool:
    return again.decimals is None


# Every other field, and when it may differ. Of a stream, other rules or somebody's lists nothing
# is known here.
BEYOND: Final[dict[str, Callable[[Alert, Alert, Reach], bool]]] = {
    "near": _always,
    "labels": _always,
    "gapped": _always,
    "truncated": _always,
    "detail": _says_its_gap,
    "metrics": _by_metric,
    "unknown": _by_metric,
    "title": _creation("symbol"),
    "name": _creation("name"),
    "symbol": _creation("symbol"),
    "creator": _creation("creator"),
    "supply_raw": _creation("supply_raw"),
    "market_cap_sol": _market_cap,
    "price_sol": _price,
    "venues": _venues,
    "decimals": _decimals,
    # Cut only where all of it was too large to store.
    "links": _never,
}


def apart(stored: Alert, again: Alert, reach: Reach) -> tuple[list[str], list[str]]:
    """Fields that differ and must not, with what is wrong in them, and those that may."""
    wrong, beyond = [], []
    for name in _differing(_plain(stored), _plain(again)):
        if name not in RESTS_ON and (
            name in _truncated(stored) or BEYOND[name](stored, again, reach)
        ):
            beyond.append(name)
        elif name in {"metrics", "unknown"}:
            wrong.append(f"{name} ({', '.join(_wrong_metrics(stored, again, reach))})")
        else:
            wrong.append(name)
    return wrong, beyond


def refused(names: Iterable[str]) -> list[str]:
    """Which of these cannot be beyond the blocks: they give it, or no alert has it."""
    return sorted({*names} - BEYOND.keys())


def not_derived(stored: Alert, again: Alert, beyond: Iterable[str]) -> tuple[str, ...]:
    """What differs and is beyond these blocks, for people; metrics by name."""
    found = []
    for name in beyond:
        if name in {"metrics", "unknown"}:
            keys = _differing(getattr(stored, name), getattr(again, name))
            found.append(f"{name} ({', '.join(keys)})")
        else:
            found.append(name)
    if [one.labels for one in stored.top_buyers] != [one.labels for one in again.top_buyers]:
        found.append(LABELS)
    return tuple(found)


def _wrong_metrics(stored: Alert, again: Alert, reach: Reach) -> list[str]:
    """Metrics that these blocks give otherwise."""
    keys = {
        *_differing(stored.metrics, again.metrics),
        *_differing(stored.unknown, again.unknown),
    }
    return sorted(one for one in keys if not _may_be_other(one, stored, reach))


def _may_be_other(metric: str, stored: Alert, reach: Reach) -> bool:
    if metric not in BY_NAME:
        return False
    # A stream that was seen in part claims only that part.
    if is_part(metric, reach) or stored.unknown.get(metric) == "cold":
        return True
    return metric in OF_CREATION and (not reach.created or stored.metrics.get(metric) is None)


def _truncated(alert: Alert) -> tuple[str, ...]:
    """Fields that were cut, where all of it was too large; the words that say so are `detail`."""
    cut = () if alert.truncated is msgspec.UNSET else alert.truncated
    return (*cut, "detail") if cut else ()


def _differing(one: dict[str, Any], two: dict[str, Any]) -> list[str]:
    return [name for name in {**one, **two} if one.get(name) != two.get(name)]


def _plain(alert: Alert) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.structs.asdict(alert)
    # A label comes from somebody's watch list, not from the chain.
    fields["top_buyers"] = tuple(_unlabelled(alert.top_buyers))
    return fields


def _unlabelled(buyers: Iterable[Buyer]) -> Iterator[Buyer]:
    for buyer in buyers:
        yield msgspec.structs.replace(buyer, labels=())
