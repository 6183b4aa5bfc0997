"""An API's answers held against its own OpenAPI document, field by field."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import httpx
import msgspec
from jsonschema import Draft202012Validator

JSON = "application/json"
PROBLEM = "application/problem+json"


class Contract:
    """What `/openapi.json` promises. `asked` are the operations that gave what they promise."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        schemas = document["components"]["schemas"]
        # An answer has no field that is not named; a body may, which nobody reads.
        self._closed = {"components": {"schemas": _closed(schemas)}}
        self._open = {"components": {"schemas": schemas}}
        self._paths = [
            (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), methods)
            # A path without parameters is meant before one with.
            for path, methods in sorted(document["paths"].items(), key=lambda one: "{" in one[0])
        ]
        self.asked: set[str] = set()

    def operations(self) -> set[str]:
        """Every operation by its id."""
        methods = [one for _, methods in self._paths for one in methods.values()]
        return {one["operationId"] for one in methods}

    def check(self, answer: httpx.Response, body: bytes) -> None:
        """Raises AssertionError for an answer that is not what is promised of it."""
        request = answer.request
        operation = self._operation(request.method, request.url.path)
        if operation is None:
            return
        where = f"{request.method} {request.url.path}: {answer.status_code}"
        promised = operation["responses"].get(str(answer.status_code))
        assert promised is not None, f"{where} is not in OpenAPI"
        kind = answer.headers["content-type"].partition(";")[0]
        assert kind in promised["content"], f"{where} is {kind}, not {[*promised['content']]}"
        if kind in {JSON, PROBLEM}:
            schema = promised["content"][kind]["schema"] | self._closed
            _hold(schema, msgspec.json.decode(body), where)
        if answer.status_code < HTTPStatus.BAD_REQUEST:
            self.asked.add(operation["operationId"])
            self._took(operation, request, where)

    def _took(self, operation: dict[str, Any], request: httpx.Request, where: str) -> None:
        """What was taken is what OpenAPI says that the operation takes.

        What also takes text says itself whether that can be used.
        """
        content = operation.get("requestBody", {}).get("content", {})
        if content.keys() == {JSON} and request.content:
            schema = content[JSON]["schema"] | self._open
            _hold(schema, msgspec.json.decode(request.content), f"{where}, its body")

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, methods in self._paths:
            if pattern.fullmatch(path) and method.lower() in methods:
                found: dict[str, Any] = methods[method.lower()]
                return found
        return None


def _hold(schema: dict[str, Any], value: Any, where: str) -> None:
    told = [
        f"{error.json_path}: {error.message[:300]}"
        for error in Draft202012Validator(schema).iter_errors(value)
    ]
    assert not told, f"{where}: {told[:5]}"


def _closed(schema: Any) -> Any:
    """The schema with a field that it does not name as an error."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: _closed(one) for name, one in schema.items()}
    is_object = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    return {"additionalProperties": False, **inner} if is_object else inner
