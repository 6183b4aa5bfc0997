"""One truth about health: facts in, conditions and the all-clear out. Pure."""

from pw_health.condition import Condition, Mode, mode_of
from pw_health.conditions import conditions
from pw_health.course import Course, News, Since
from pw_health.facts import Beat, Channel, Queue, Snapshot

__all__ = [
    "Beat",
    "Channel",
    "Condition",
    "Course",
    "Mode",
    "News",
    "Queue",
    "Since",
    "Snapshot",
    "conditions",
    "mode_of",
]
