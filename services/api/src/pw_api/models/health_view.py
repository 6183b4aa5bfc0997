"""A condition as the API answers it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

from pw_common.wire.alerts import Severity
from pw_health import Condition, Mode

EXAMPLE: JsonDict = {
    "name": "backpressure",
    "severity": "critical",
    "mode": "backpressure",
    "since_ms": 1_790_000_000_000,
    "why": "PW_TX is at 93 % of its limit.",
    "what_to_do": "Add parsers, or see why the broker takes nothing: room, disk, leader.",
}


class ConditionView(BaseModel):
    """Something that is wrong; `name` stays the same while it lasts.

    `critical`: trades or alerts are missing or late; `warning`: a person should see to it;
    `info`: worth knowing. `mode` is what it makes of the whole. `since_ms` is when it began as far
    as the broker knows, otherwise when this API saw it first.
    """

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [EXAMPLE]})
    name: str
    severity: Severity
    mode: Mode
    since_ms: int
    why: str
    what_to_do: str


def condition_view(one: Condition) -> ConditionView:
    """The same in the answer's own form."""
    return ConditionView(
        name=one.name,
        severity=one.severity,
        mode=one.mode,
        since_ms=one.since_ms,
        why=one.why,
        what_to_do=one.what_to_do,
    )
