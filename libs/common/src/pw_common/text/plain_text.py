"""Text that others wrote, made fit to be shown: one line, nothing invisible, no long tail.

Anybody can put any text on chain as a token's name, and receivers and sources write their own
errors. Such text may hide what it says (zero-width, tags), turn it round (bidi), forge a line
(newlines) or drive a terminal (escapes). What is stored keeps the text as it came.

The tables are fixed rather than asked of `unicodedata`: an alert's title is part of its digest,
and the digest must not depend on which Python wrote it.
"""

from __future__ import annotations

import re
from typing import Final
from unicodedata import ucd_3_2_0

STAND_IN: Final = "\N{REPLACEMENT CHARACTER}"
CUT: Final = "\N{HORIZONTAL ELLIPSIS}"
# A name or symbol of a token: at most 128 bytes of UTF-8.
NAME_CHARS_MAX: Final = 32
# A rule's name, a label of a watch list, a condition, the name of a channel.
LABEL_CHARS_MAX: Final = 64
# What a receiver or a source says of an error.
ERROR_CHARS_MAX: Final = 200
# A sentence of ours that may quote several of the above.
SENTENCE_CHARS_MAX: Final = 1_000
# Marks on one letter: two are ordinary writing (Vietnamese, Thai), many are a flood.
MARKS_MAX: Final = 2

# Controls, lines and paragraphs, format characters (bidi, zero-width, tags), private use,
# surrogates, non-characters, and letters that are blank.
_HIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    "\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_SPACE: Final = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
# Blocks of marks that came after Unicode 3.2, and the variation selectors.
_LATER_MARKS: Final = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u08d3-\u08ff\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\ua66f-\ua67d\ua6f0\ua6f1\ua8e0-\ua8f1\ufe00-\ufe0f\ufe20-\ufe2f]"
)


def plain_text(text: str, chars_max: int = NAME_CHARS_MAX) -> str:
    """One line of at most `chars_max` characters; a stand-in for each that must not be shown."""
    shown = text[:chars_max]
    if not (shown.isascii() and shown.isprintable()):
        shown = _few_marks(_HIDDEN.sub(STAND_IN, _SPACE.sub(" ", shown)))
    return shown if len(text) <= chars_max else shown[:-1] + CUT


def plain_json(body: bytes) -> bytes:
    """The same JSON with everything that must not be shown as escapes: safe on a terminal."""
    if body.isascii() and b"\x7f" not in body:
        return body
    return _HIDDEN.sub(_escaped, body.decode("utf-8", "replace")).encode()


def is_plain(text: str) -> bool:
    """Whether a text could be shown as it is, apart from its length."""
    return plain_text(text, max(1, len(text))) == text


def _few_marks(text: str) -> str:
    shown, marks = [], MARKS_MAX  # The first letter of a text may not be a mark.
    for char in text:
        marks = marks + 1 if _is_mark(char) else 0
        shown.append(char if marks <= MARKS_MAX else STAND_IN)
    return "".join(shown)


def _is_mark(char: str) -> bool:
    if char < "\u0300":
        return False
    return bool(_LATER_MARKS.match(char)) or ucd_3_2_0.category(char) in {"Mn", "Me"}


def _escaped(found: re.Match[str]) -> str:
    char = found.group()
    if char in "\n\r\t":
        return char  # Only between values: inside of a string JSON escapes them already.
    number = ord(char)
    if number > 0xFFFF:
        number -= 0x10000
        return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"
    return f"\\u{number:04x}"
