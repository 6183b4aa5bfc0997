"""How an operation answers."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import Response

from pw_api.broker.stored import Kept
from pw_common.text.amounts import amounts_as_text


def json(body: Any, status: int = 200) -> Response:
    """A JSON answer; raw amounts are text."""
    return Response(
        msgspec.json.encode(amounts_as_text(body)), status, media_type="application/json"
    )


def document(found: Kept, fields: dict[str, Any]) -> Response:
    """What holds, with its revision as a tag too: a change may name it in `If-Match`."""
    answer = json({**found.said, **fields})
    answer.headers["ETag"] = f'"{found.revision}"'
    return answer
