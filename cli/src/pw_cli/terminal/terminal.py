"""What `pw` prints of what others wrote: plain text in tables and errors, escapes in JSON."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
from rich.text import Text

from pw_common.text.amounts import amounts_as_text
from pw_common.text.plain_text import SENTENCE_CHARS_MAX, plain_json, plain_text
from pw_common.text.redact import redacted


def cell(text: object, chars_max: int = SENTENCE_CHARS_MAX, style: str = "") -> Text:
    """A cell of a table: no markup of rich, no escapes of a terminal, one line."""
    return Text(plain_text(str(text), chars_max), style=style)


def complain(command: str, what: object) -> None:
    """One line on stderr, with no secret in it."""
    sys.stderr.write(f"pw {command}: {plain_text(redacted(str(what)), SENTENCE_CHARS_MAX)}\n")


def write_json(value: Any) -> None:
    """One line of JSON on stdout, with raw amounts as text; a terminal shows it as text."""
    body = msgspec.json.encode(amounts_as_text(value))
    sys.stdout.buffer.write(plain_json(body) + b"\n")
    sys.stdout.buffer.flush()


def plain_tree(value: Any) -> Any:
    """An answer as decoded, with each text in it plain."""
    if isinstance(value, str):
        return plain_text(value, SENTENCE_CHARS_MAX)
    if isinstance(value, dict):
        return {plain_tree(name): plain_tree(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain_tree(one) for one in value]
    return value
