"""Draw the icons of the installed pages from dashboard/public/icon.svg: for `make icons`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from support.browsing import browse

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".pytest_cache" / "browser"


def main() -> int:
    try:
        asyncio.run(browse(CACHE, {"folder": str(ROOT / "dashboard" / "public")}, "icons.mjs"))
    except pytest.skip.Exception as why:
        sys.stderr.write(f"no icons: {why}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
