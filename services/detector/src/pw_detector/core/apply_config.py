"""A change of the configuration, read and handed to the detector."""

from __future__ import annotations

from typing import NamedTuple

from pw_common.documents.document import BadDocument
from pw_common.topology.subjects import KEY_MUTES, KEY_TRIGGERS
from pw_detection.detector import Detector
from pw_detection.rules.lists import Mutes, WatchLists, stored_mutes, stored_watchlists
from pw_detection.rules.rules import Rule, stored_rules


class Change(NamedTuple):
    """A revision's body, and the slot from which it holds."""

    key: str
    revision: int
    from_slot: int
    body: bytes


def apply(detector: Detector, change: Change) -> str:
    """Hand a change over; returns why it cannot be used, empty where it can."""
    try:
        found = _read(change)
    except BadDocument as error:
        return error.errors[0]
    if isinstance(found, Mutes):
        detector.set_mutes(found, change.from_slot)
    elif isinstance(found, WatchLists):
        detector.set_watchlists(found, change.from_slot)
    else:
        detector.set_rules(change.revision, found, change.from_slot)
    return ""


def why_unusable(change: Change) -> str:
    """Why a change cannot be used, empty where it can."""
    try:
        _read(change)
    except BadDocument as error:
        return error.errors[0]
    return ""


def _read(change: Change) -> tuple[Rule, ...] | Mutes | WatchLists:
    if change.key == KEY_TRIGGERS:
        return stored_rules(change.body)
    return stored_mutes(change.body) if change.key == KEY_MUTES else stored_watchlists(change.body)
