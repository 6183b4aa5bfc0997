"""A change of the configuration, read and handed to the detector."""

from __future__ import annotations

import msgspec

from pw_common.subjects import KEY_MUTES, KEY_TRIGGERS
from pw_detection.detector import Detector
from pw_detection.lists import Mutes, WatchLists
from pw_detection.rules import BadRules, Rule
from pw_detector.configuration import Change


class Triggers(msgspec.Struct, frozen=True, kw_only=True):
    """The value of `triggers`: the rules, and who changed them when."""

    rules: tuple[Rule, ...]
    who: str = ""
    at_ms: int = 0
    note: str = ""


def apply(detector: Detector, change: Change) -> str:
    """Hand a change over; returns why it cannot be used, empty where it can."""
    try:
        if change.key == KEY_TRIGGERS:
            triggers = msgspec.json.decode(change.body, type=Triggers)
            detector.set_rules(change.revision, triggers.rules, change.from_slot)
        elif change.key == KEY_MUTES:
            mutes = msgspec.json.decode(change.body, type=Mutes)
            detector.set_mutes(mutes, change.from_slot)
        else:
            watched = msgspec.json.decode(change.body, type=WatchLists)
            detector.set_watchlists(watched, change.from_slot)
    except (msgspec.MsgspecError, BadRules) as error:
        return str(error)
    return ""
