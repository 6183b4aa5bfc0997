"""How a view shows an example of itself in OpenAPI."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict


def example(**fields: Any) -> ConfigDict:
    """The settings of a view that cannot be changed, with these fields as its example."""
    return ConfigDict(json_schema_extra={"examples": [fields]}, frozen=True)
