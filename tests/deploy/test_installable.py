"""What the pages are installed with: the manifest, its icons and colours agree with the rest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pw_api.core.access import INSTALLED_WITH

DASHBOARD = Path(__file__).resolve().parents[2] / "dashboard"
PUBLIC = DASHBOARD / "public"
ICON_BYTES_MAX = 32_000


@pytest.fixture
def manifest() -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode((PUBLIC / "manifest.webmanifest").read_bytes())
    return found


def png_size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG, pixels."""
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])


def test_every_file_that_is_built_beside_the_page_is_served_and_no_other() -> None:
    assert {f"/{one.name}" for one in PUBLIC.iterdir()} == INSTALLED_WITH


def test_the_manifest_has_what_browsers_ask_for(manifest: dict[str, Any]) -> None:
    assert manifest["name"] == "Pocketwatcher"
    # What fits below an icon.
    assert len(manifest["short_name"]) <= 15
    assert (manifest["start_url"], manifest["scope"]) == ("/", "/")
    assert manifest["display"] == "standalone"


def test_each_icon_is_there_in_the_size_that_is_said(manifest: dict[str, Any]) -> None:
    sizes = set()
    for icon in manifest["icons"]:
        path = PUBLIC / icon["src"].removeprefix("/")
        assert path.stat().st_size <= ICON_BYTES_MAX
        if path.suffix == ".png":
            width, height = png_size(path)
            assert icon["sizes"] == f"{width}x{height}"
        sizes.add((icon["sizes"], icon["purpose"]))
    needed = {("any", "any"), ("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")}
    assert needed <= sizes


def test_the_page_names_the_manifest_and_no_icon_that_is_not_there() -> None:
    page = (DASHBOARD / "index.html").read_text()
    named = set(re.findall(r'href="(/[^"]*)"', page))
    assert "/manifest.webmanifest" in named
    assert named <= INSTALLED_WITH


def test_the_bar_of_the_browser_has_the_colour_of_the_pages_own(manifest: dict[str, Any]) -> None:
    page = (DASHBOARD / "index.html").read_text()
    bars = dict(re.findall(r'content="(#\w+)" data-of="(\w+)"', page))
    style = (DASHBOARD / "src/style.css").read_text()
    # The light theme stands first, then the dark one.
    bar_light, bar_dark = re.findall(r"--card: (#\w+)", style)[:2]
    _, ground_dark = re.findall(r"--bg: (#\w+)", style)[:2]
    assert bars == {bar_light: "light", bar_dark: "dark"}
    assert (manifest["theme_color"], manifest["background_color"]) == (bar_dark, ground_dark)
