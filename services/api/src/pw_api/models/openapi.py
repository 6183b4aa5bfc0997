"""How operations whose bodies and answers are not pydantic views are described in OpenAPI."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import msgspec
from fastapi import FastAPI

from pw_api.models import changes, past, shapes
from pw_api.models.problem import Problem
from pw_common.text.amounts import LAMPORTS, RAW

TEMPLATE: Final = "#/components/schemas/{name}"
JSON: Final = "application/json"
YAML: Final = "application/yaml"
CSV: Final = "text/csv"
PROBLEM: Final = "application/problem+json"
IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag that GET gave; it stands for `revision`.",
    "schema": {"type": "string"},
}
Schema: TypeAlias = dict[str, Any]
TEXT: Final[Schema] = {"type": "string"}
# Of an operation whose path says everything; a form could send it if it had no type.
NOTHING: Final[Schema] = {"type": "object", "maxProperties": 0}
Responses: TypeAlias = dict[int | str, dict[str, Any]]


def problems_of(*statuses: int) -> Responses:
    """The `responses` of what can go wrong."""
    content = {PROBLEM: {"schema": schema_of(Problem)}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


def answer_of(kind: type, *, many: bool = False, status: int = 200) -> Responses:
    """The `responses` of a route that answers with this; `many`: with a list of it."""
    description = HTTPStatus(status).phrase
    content = {JSON: {"schema": schema_of(kind, many=many)}}
    return {status: {"description": description, "content": content}}


def either_of(*kinds: type) -> Responses:
    """The `responses` of a route that answers with one of these."""
    content = {JSON: {"schema": {"anyOf": [schema_of(kind) for kind in kinds]}}}
    return {200: {"description": HTTPStatus.OK.phrase, "content": content}}


def file_of(media: str) -> Responses:
    """The `responses` of a route that answers with a file."""
    content = {media: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"description": HTTPStatus.OK.phrase, "content": content}}


def change_of(kind: type, *, required: bool = True) -> dict[str, Any]:
    """The `openapi_extra` of an operation that changes a revision and takes this body."""
    body = body_of({JSON: schema_of(kind)}, required=required)
    return {"parameters": [IF_MATCH], **body}


def body_of(contents: dict[str, Schema], *, required: bool = True) -> dict[str, Any]:
    """The `openapi_extra` of an operation that takes a body of one of these media types."""
    content = {media: {"schema": schema} for media, schema in contents.items()}
    return {"requestBody": {"required": required, "content": content}}


def schema_of(kind: type, *, many: bool = False) -> Schema:
    """A reference to a shape; `many`: a list of it."""
    one = {"$ref": TEMPLATE.format(name=kind.__name__)}
    return {"type": "array", "items": one} if many else one


# Of every operation that changes a revision.
CHANGED: Final = answer_of(changes.Changed) | problems_of(409, 413)


def install(app: FastAPI) -> None:
    """Add the shapes that are referred to to what `/openapi.json` names."""
    made = app.openapi
    _, components = msgspec.json.schema_components(_shapes(), ref_template=TEMPLATE)
    components[Problem.__name__] = Problem.model_json_schema()

    def openapi() -> dict[str, Any]:
        whole = made()
        named = whole.setdefault("components", {}).setdefault("schemas", {})
        for name, schema in components.items():
            if name not in named:
                named[name] = _with_text(schema)
            if name in past.EXAMPLES:
                named[name]["examples"] = [past.EXAMPLES[name]]
        return whole

    # FastAPI's own way to extend it.
    app.openapi = openapi  # type: ignore[method-assign]


def _shapes() -> Iterable[type[msgspec.Struct]]:
    for module in (changes, shapes, past):
        for name, kind in vars(module).items():
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and name[0] != "_":
                yield kind


def _with_text(schema: Any) -> Any:
    """The schema with raw amounts as what `amounts_as_text` makes of them."""
    if isinstance(schema, list):
        return [_with_text(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: {key: _text(key, one) for key, one in inner.items()}
        if name == "properties"
        else _with_text(inner)
        for name, inner in schema.items()
    }


def _text(name: str, schema: Any) -> Any:
    if not (name.endswith(RAW) or name == LAMPORTS):
        return _with_text(schema)
    kinds = schema.get("anyOf", [schema])
    shown = [{"type": "string"} if one.get("type") == "integer" else one for one in kinds]
    return {**schema, "anyOf": shown} if "anyOf" in schema else shown[0]
