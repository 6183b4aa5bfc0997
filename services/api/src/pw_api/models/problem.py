"""What an error looks like."""

from __future__ import annotations

from pydantic import BaseModel

from pw_api.models.example import example


class Problem(BaseModel):
    """RFC 9457: what went wrong, as `application/problem+json`."""

    model_config = example(
        type="about:blank",
        title="Service Unavailable",
        status=503,
        detail="The broker does not answer: STREAM.INFO.PW_TX: TimeoutError",
        errors=None,
    )
    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None
