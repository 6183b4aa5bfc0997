"""Fail on functions, methods, classes and constants that nothing of ours uses."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from check_hosts import ROOT
from vulture import Vulture  # type: ignore[import-untyped]

READ = (
    "libs", "services", "cli", "clients", "tools", "tests", "benchmark", "bench", "conftest.py",
)  # fmt: skip
GENERATED = ["*/geyser_proto/src/*", "*/tests/fixtures/*"]
# Fields of messages and models are read by whoever gets them, so variables are not looked at.
KINDS = frozenset({"function", "method", "class", "property", "import", "unreachable_code"})
# Frameworks call these by how they are marked, or by their names.
MARKED = [
    "@*.get", "@*.post", "@*.put", "@*.delete", "@*.middleware", "@*.exception_handler",
    "@pytest.fixture", "@pytest.hookimpl",
]  # fmt: skip
CALLED = [
    "pytest_*", "test_*", "do_*", "visit_*", "send_400_response", "capture_signals",
    "extract_cookies", "add_cookie_header", "on_*", "*_received", "connection_*",
    "log_message",
]  # fmt: skip


def dead() -> Iterator[str]:
    """What is not used, as `file:line: kind name`."""
    vulture = Vulture(ignore_names=CALLED, ignore_decorators=MARKED)
    vulture.scavenge([str(ROOT / one) for one in READ], exclude=GENERATED)
    for one in vulture.get_unused_code(min_confidence=60):
        name = one.filename.resolve().relative_to(ROOT).as_posix()
        # What only a test declares serves that test.
        if one.typ in KINDS and "tests/" not in name:
            yield f"{name}:{one.first_lineno}: {one.typ} {one.name} is used nowhere: remove it"


def main() -> int:
    found = list(dead())
    for line in found:
        sys.stderr.write(f"{line}\n")
    if not found:
        print("dead code: none")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
