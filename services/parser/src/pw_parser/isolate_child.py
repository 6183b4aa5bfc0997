"""`python -m pw_parser.isolate_child MODULE`: parse framed updates, a dot for each that came back.

The first frame is the users' table of programs. A dot before any update's says that everything
is in hand: only from then on does time count against an update. Whatever ends this process ends
nothing else. Its parent counts the dots.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from functools import partial

from pw_common.documents.programs import stored_programs
from pw_common.wire.framing import split
from pw_parser.core.decode.programs import BUILT_IN, extended
from pw_parser.core.decode.transaction import Malformed


def main() -> int:
    """0 when every update was parsed or refused as malformed."""
    parse = importlib.import_module(sys.argv[1]).parse
    first, *updates = split(sys.stdin.buffer.read())
    table = stored_programs(first)
    if table.entries:
        parse = partial(parse, programs=extended(BUILT_IN, table))
    os.write(1, b".")
    for update in updates:
        # Readable enough to be refused is no crash.
        with contextlib.suppress(Malformed):
            parse(update)
        os.write(1, b".")
    return 0


if __name__ == "__main__":
    sys.exit(main())
