"""JSON Schemas of the configuration documents, for editors and for whoever writes one by program.

The fields come from the types that read them, the bounds from the constants of their readers. A
schema allows all that a file may say and that the API gives; what it cannot say (a metric that
there is, a name that comes twice) the reader says.
"""

from __future__ import annotations

from inspect import cleandoc
from typing import Any, Final, TypeAlias

import msgspec

from pw_common.documents import channels, programs, quiet_hours
from pw_common.topology import subjects
from pw_detection.rules import lists, rules

Schema: TypeAlias = dict[str, Any]
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ADDRESS: Final[Schema] = {"pattern": "^[1-9A-HJ-NP-Za-km-z]{32,44}$"}
NAME: Final[Schema] = {"pattern": f"^(?:{rules.NAME.pattern})$"}
CONDITIONS: Final[Schema] = {
    "maxItems": rules.CONDITIONS_MAX,
    "items": {"type": "string", "maxLength": rules.CONDITION_CHARACTERS_MAX},
}
LINE: Final[Schema] = {"maxLength": lists.LABEL_CHARACTERS_MAX}
TAG: Final = "(?:[0-9a-f]{2}){1,8}"
ACCOUNT_INDEX: Final[Schema] = {
    "type": "integer",
    "minimum": programs.ACCOUNT_INDEX_MIN,
    "maximum": programs.ACCOUNT_INDEX_MAX,
}
TIME: Final[Schema] = {"type": "string", "pattern": f"^(?:{quiet_hours.TIME.pattern})$"}
QUIET: Final[Schema] = {
    "type": "object",
    "properties": {
        "from": TIME,
        "to": TIME,
        "time_zone": {"type": "string", "maxLength": quiet_hours.ZONE_CHARACTERS_MAX},
        "severity_min": {"enum": ["info", "warning", "critical"]},
    },
    "required": ["from", "to"],
    "additionalProperties": False,
}
# What may stand beside the entries: the API adds it to its answers.
BESIDE: Final[dict[str, Schema]] = {
    "revision": {"type": "integer", "minimum": 0},
    "who": {"type": "string"},
    "note": {"type": "string"},
    "at_ms": {"type": "integer"},
    "unusable": {"type": "string"},
    "in_force": {"type": "object"},
    "shipped": {"type": "array"},
    "from": {"type": "string"},
    "new": {"type": "array"},
}
BOUNDS: Final[dict[type, dict[str, Schema]]] = {
    rules.Rule: {
        "name": NAME,
        "conditions": {"minItems": 1, **CONDITIONS},
        "gates": CONDITIONS,
        "cooldown_s": {"minimum": 0, "maximum": 86_400},
        "escalate_factor": {"exclusiveMinimum": 1, "maximum": 1_000},
    },
    lists.Watched: {"address": ADDRESS, "label": LINE},
    lists.Mute: {"address": ADDRESS, "reason": LINE},
    channels.Channel: {
        "name": {"pattern": f"^(?:{subjects.TOKEN.pattern})$"},
        "url": {"maxLength": channels.URL_CHARACTERS_MAX},
        "secret": {"maxLength": channels.SIGNING_CHARACTERS_MAX},
        "access_token": {"maxLength": channels.SECRET_CHARACTERS_MAX},
        "quiet": {"anyOf": [{"type": "null"}, QUIET]},
        "triggers": {"maxItems": channels.TRIGGERS_MAX},
    },
    programs.ProgramEntry: {
        "id": ADDRESS,
        "name": {"minLength": 1, "maxLength": programs.NAME_CHARACTERS_MAX},
        "users": {
            "maxProperties": programs.USERS_MAX,
            "propertyNames": {"pattern": rf"^(?:\*|{TAG})$"},
            "additionalProperties": {
                "type": "array",
                "items": ACCOUNT_INDEX,
                "minItems": 1,
                "maxItems": programs.ACCOUNT_INDEXES_MAX,
            },
        },
        "takes": {
            "maxItems": programs.TAKES_MAX,
            "items": {"type": "string", "pattern": f"^{TAG}$"},
        },
        "source": {"maxLength": programs.SOURCE_CHARACTERS_MAX},
        "date": {"pattern": "^(?:[0-9]{4}-[0-9]{2}-[0-9]{2})?$"},
    },
    programs.Acknowledged: {
        "program": {"pattern": "^[a-z0-9_]{1,32}$"},
        "tag": {"pattern": "^(?:[0-9a-f]{2}){0,8}$"},
    },
}


def document_schemas() -> dict[str, Schema]:
    """The schema of each document by its name."""
    rule_list = _list_of(rules.Rule, rules.RULES_MAX)
    program_list = _list_of(programs.ProgramEntry, programs.PROGRAMS_MAX)
    made: dict[str, Schema] = {
        "rules": {
            "anyOf": [
                rule_list,
                _mapping("triggers", rule_list, {}),
                _mapping("rules", rule_list, {}),
            ]
        },
        "watchlists": _entries(lists.Watched, lists.WATCHED_MAX),
        "mutes": _entries(lists.Mute, lists.MUTES_MAX),
        "channels": _entries(channels.Channel, channels.CHANNELS_MAX),
        "programs": {"anyOf": [program_list, _mapping("entries", program_list, BESIDE)]},
        "acknowledged": _entries(programs.Acknowledged, programs.ACKNOWLEDGED_MAX),
    }
    return {name: {"$schema": DIALECT, "title": name, **schema} for name, schema in made.items()}


def _entries(kind: type, count_max: int) -> Schema:
    return _mapping("entries", _list_of(kind, count_max), BESIDE)


def _mapping(field: str, schema: Schema, beside: dict[str, Schema]) -> Schema:
    """A mapping with this field. Rules may have any other beside it, which nobody reads."""
    fields = {field: schema, **beside}
    found: Schema = {"type": "object", "required": [field], "properties": fields}
    return {**found, "additionalProperties": False} if beside else found


def _list_of(kind: type, count_max: int) -> Schema:
    return {"type": "array", "maxItems": count_max, "items": _entry(kind)}


def _entry(kind: type) -> Schema:
    """One entry: no other fields than its own, each within its bounds."""
    _, components = msgspec.json.schema_components([kind])
    made = components[kind.__name__]
    bounds = BOUNDS[kind]
    fields = {
        name: {**schema, **bounds.get(name, {})} for name, schema in made["properties"].items()
    }
    return {
        **made,
        "description": cleandoc(made["description"]),
        "properties": fields,
        "additionalProperties": False,
    }
