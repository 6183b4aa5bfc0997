"""`pw up` makes a token, shows it nowhere, and lets a browser in by a link that works once."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from pw_common.process.token_file import read_token
from support.command import pw

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 60.0
FEW = ("--parsers", "1", "--detectors", "0", "--rate", "20", "--minutes", "1", "--port", "0")


@dataclass
class Started:
    """A `pw up` as a person sees it."""

    process: asyncio.subprocess.Process
    environ: dict[str, str]
    said: list[str] = field(default_factory=list)

    def word(self, name: str) -> str:
        """What stands behind a name in the lines of the start."""
        [line] = [one for one in self.said if one.strip().startswith(name)]
        return line.strip().removeprefix(name).split()[0]

    async def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return await asyncio.wait_for(self.process.wait(), STOP_TIMEOUT_S)


@asynccontextmanager
async def started(*words: str, folder: Path) -> AsyncIterator[Started]:
    environ = {"XDG_RUNTIME_DIR": str(folder)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pw_cli.main", "up", *FEW, *words),
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith("PW_")} | environ,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    one = Started(process, environ)
    draining: asyncio.Task[None] | None = None

    async def listen() -> None:
        while line := await process.stderr.readline():  # type: ignore[union-attr]
            one.said.append(line.decode())

    try:
        while not any("Ctrl-C" in line for line in one.said):
            line = await asyncio.wait_for(process.stderr.readline(), START_TIMEOUT_S)
            assert line, "".join(one.said)
            one.said.append(line.decode())
        draining = asyncio.create_task(listen())
        yield one
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        if draining is not None:
            await draining


def command_lines(parent: int) -> str:
    """The arguments of a process and of all that it started."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            status = (path / "stat").read_text().rpartition(")")[2].split()
            if parent in {int(path.name), int(status[1])}:
                found.append((path / "cmdline").read_text())
        except OSError:
            continue  # It ended meanwhile.
    assert len(found) > 4
    return "\n".join(found)


@pytest.mark.timeout(360)
async def test_the_link_of_the_start_lets_one_browser_in_and_commands_find_the_token(
    tmp_path: Path,
) -> None:
    async with started("--data", "data", folder=tmp_path) as run:
        path = tmp_path / "data/api-token"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        token = read_token(path)
        link, api = run.word("alerts"), run.word("API").removesuffix("/openapi.json")
        assert link.startswith(f"{api}/login?code=")
        async with httpx.AsyncClient(trust_env=False, follow_redirects=True) as browser:
            assert (await browser.get(f"{api}/api/v1/status")).status_code == 401
            page = await browser.get(link)
            assert (page.status_code, str(page.url)) == (200, f"{api}/")
            assert (await browser.get(f"{api}/api/v1/status")).status_code == 200
        async with httpx.AsyncClient(trust_env=False) as another:
            assert (await another.get(link)).status_code == 403
            printed = (await pw("url", **run.environ)).out.strip()
            assert printed != link
            assert (await another.get(printed)).status_code == 303
        shown = await pw("status", "--json", **run.environ)
        assert shown.code in {0, 1}, shown.err
        assert token not in command_lines(run.process.pid)
        assert [one.name for one in (tmp_path / "pocketwatcher").iterdir()] == [
            f"{run.process.pid}.json"
        ]
        assert await run.stop() == 0
    assert token not in "".join(run.said)
    assert not list((tmp_path / "pocketwatcher").iterdir())
    assert not (tmp_path / "data/run.json").exists()
    async with started("--data", "data", folder=tmp_path) as again:
        assert read_token(path) == token
        assert await again.stop() == 0


@pytest.mark.timeout(120)
async def test_a_token_of_ones_own_is_used_and_none_is_made(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("my-own-token-of-tests\n")
    async with started("--data", "data", "--api-token-file", "mine", folder=tmp_path) as run:
        api = run.word("API").removesuffix("/openapi.json")
        async with httpx.AsyncClient(trust_env=False) as client:
            given = {"Authorization": "Bearer my-own-token-of-tests"}
            assert (await client.get(f"{api}/api/v1/gaps", headers=given)).status_code == 200
        assert not (tmp_path / "data/api-token").exists()
        assert await run.stop() == 0


@pytest.mark.timeout(120)
async def test_without_a_token_it_says_what_that_risks(tmp_path: Path) -> None:
    async with started("--no-token", folder=tmp_path) as run:
        api = run.word("API").removesuffix("/openapi.json")
        assert run.word("alerts") == f"{api}/"
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"{api}/api/v1/gaps")).status_code == 200
            foreign = {"Host": "attacker.example"}
            assert (await client.get(f"{api}/api/v1/gaps", headers=foreign)).status_code == 421
        assert (await pw("url", **run.environ)).out.strip() == f"{api}/"
        assert await run.stop() == 0
    said = "".join(run.said)
    assert re.search(r"--no-token: every program and every user of this machine", said)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--api-token-file", "./none"), 2, "no such file"),
        (("--api-token-file", "short"), 78, "16 to 512"),
        (("--no-token", "--api-token-file", "short"), 2, "not allowed with"),
        (("--data", "open"), 78, "can be read by others"),
    ],
)
async def test_what_cannot_be_used_is_one_clear_line(
    tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    (tmp_path / "short").write_text("short")
    (tmp_path / "open").mkdir()
    (tmp_path / "open/api-token").write_text("a-token-that-all-can-read\n")
    (tmp_path / "open/api-token").chmod(0o644)
    given = [str(tmp_path / one) if one in {"short", "open"} else one for one in words]
    ended = await pw("up", *FEW, *given, XDG_RUNTIME_DIR=str(tmp_path))
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert "a-token-that-all-can-read" not in ended.err
