"""The replay server, asked by the official client that somebody else wrote."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from pathlib import Path

import msgspec
import pytest

from pw_replay.core.items import read_item
from pw_replay.market import generate
from support.replaying import replaying

CLIENT = Path(__file__).parent / "node_client"
FILES = ("package.json", "package-lock.json", ".npmrc", "client.mjs")
NPM_TIMEOUT_S = 240.0


async def command(*words: str, folder: Path, timeout_s: float) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *words, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), timeout_s)
    except TimeoutError:
        process.kill()
        await process.wait()
        return 1, "", f"{words[0]} took longer than {timeout_s:g} s"
    return process.returncode or 0, out.decode(), err.decode()


async def installed(cache: Path) -> Path:
    """The client with its locked packages, in a folder that is kept between runs."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed: the official client was not tried")
    lock = hashlib.sha256((CLIENT / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = cache / lock
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(CLIENT / name, folder / name)
    if not (folder / "node_modules" / ".package-lock.json").is_file():
        # `ci` refuses a lock without the optional builds for other platforms.
        words = ("npm", "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts")
        code, _, err = await command(*words, folder=folder, timeout_s=NPM_TIMEOUT_S)
        if code != 0:
            pytest.skip(f"npm could not install the official client: {err[-300:]}")
    return folder


@pytest.mark.node
@pytest.mark.timeout(600)
async def test_the_official_node_client_receives_everything(
    pytestconfig: pytest.Config,
) -> None:
    cache = Path(str(pytestconfig.rootpath)) / ".pytest_cache" / "node_client"
    folder = await installed(cache)
    updates = list(generate(seed=5, minutes=0.05, tps=200.0))
    items = list(map(read_item, updates))
    sent = [item.signature.hex() for item in items if item.kind == "tx"]
    blocks = sum(item.kind == "meta" for item in items)
    async with replaying(updates, token="let-me-in") as source:  # noqa: S106 - a test's own
        counts = (str(len(sent)), str(blocks))
        words = ("node", "client.mjs", f"http://{source.target}", "let-me-in", *counts)
        code, out, err = await command(*words, folder=folder, timeout_s=60.0)
    assert code == 0, err
    found = msgspec.json.decode(out)
    assert found["signatures"] == sent
    assert found["slots"] == found["blocksMeta"] == blocks > 0
    assert found["pong"] == 7
    assert "version" in found["version"]["version"]
    assert int(found["replay"]["firstAvailable"]) == read_item(updates[0]).slot
