"""A file of programs, as the commands that parse take it."""

from __future__ import annotations

from pathlib import Path

from pw_common.documents.document import BadDocument, read_either, read_file
from pw_common.documents.programs import BadPrograms, read_programs_file
from pw_parser.core.decode.programs import BUILT_IN, Programs, extended, read_programs

# A whole table in place of the shipped one has at most 10,000 lines.
FILE_BYTES_MAX = 8 * 1024 * 1024


def programs_of(path: Path) -> Programs:
    """Users' entries beside the shipped table, or a whole table in its place.

    The document of users' entries is one JSON or YAML value, a table is an object a line.

    Raises:
        OSError: the file cannot be read.
        BadDocument, BadPrograms: what it holds cannot be used.
    """
    body = read_file(path, FILE_BYTES_MAX)
    if len(body) > FILE_BYTES_MAX:
        raise BadPrograms([f"over {FILE_BYTES_MAX} bytes; allowed: at most that"])
    if _is_document(body):
        return extended(BUILT_IN, read_programs_file(body))
    table = read_programs(body)
    if not table.by_key:
        raise BadPrograms(["there is no program in it; allowed: one JSON object a line"])
    return table


def _is_document(body: bytes) -> bool:
    try:
        found = read_either(body, FILE_BYTES_MAX)
    except BadDocument:
        # Several lines of JSON are not one value; a document says what it is at its beginning.
        return b"entries" in body[:64].split(b":")[0]
    return isinstance(found, list) or (isinstance(found, dict) and "entries" in found)
