"""`python -m pw_parser.isolate_child MODULE`: parse framed updates, a dot for each that came back.

Whatever ends this process ends nothing else. Its parent counts the dots.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys

from pw_common.framing import split
from pw_parser.core.transaction import Malformed


def main() -> int:
    """0 when every update was parsed or refused as malformed."""
    parse = importlib.import_module(sys.argv[1]).parse
    for update in split(sys.stdin.buffer.read()):
        # Readable enough to be refused is no crash.
        with contextlib.suppress(Malformed):
            parse(update)
        os.write(1, b".")
    return 0


if __name__ == "__main__":
    sys.exit(main())
