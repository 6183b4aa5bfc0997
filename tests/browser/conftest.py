"""Where what drives the browser is kept, and where its pictures go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def cache(pytestconfig: pytest.Config) -> Path:
    """What drives the browser, installed once for all runs."""
    return Path(str(pytestconfig.rootpath)) / ".pytest_cache" / "browser"


@pytest.fixture
def pictures(cache: Path) -> Path:
    """Where the pictures go; they stay for a person to look at."""
    folder = Path(os.environ.get("PW_SCREENSHOTS") or cache / "pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
