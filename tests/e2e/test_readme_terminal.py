"""The README from its first line on: a fresh clone, one terminal, each command in its order."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from pw_cli.up.processes.processes import port_is_free
from pw_replay.market import generate, presets
from support.replaying import replaying
from support.shell import Shell, shell

ROOT = Path(__file__).resolve().parents[2]
PORT = 8080
# Docker and Kubernetes have tests of their own: tests/e2e/test_readme_mainnet.py, tests/docker.
ELSEWHERE = re.compile(r"docker|kubectl|^cp -R k8s|^mkdir -m 700 secrets|>> \.env$")
SMALL = "cli/tests/test_runs.py"


COMMAND = re.compile(
    r"```sh\n(?P<block>.*?)```"
    r"|`(?P<curl>curl [^`]+)`"
    r"|^(?:\d\. |   )`(?P<step>[^`]+)`$",
    re.DOTALL | re.MULTILINE,
)


def lines() -> list[str]:
    """Every command of the README in its order, without its comment, those in the text too."""
    text = (ROOT / "README.md").read_text()
    found = []
    for match in COMMAND.finditer(text):
        body = match["block"] or match["curl"] or match["step"]
        found += [line.partition(" #")[0].strip() for line in body.splitlines()]
    return [line for line in found if line]


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """A clone with an environment of its own, whose libraries are those of this one."""
    folder = tmp_path / "pocketwatcher"
    git = shutil.which("git")
    assert git is not None
    subprocess.run([git, "clone", "-q", "--no-local", str(ROOT), str(folder)], check=True)
    venv = folder / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    [site] = venv.glob("lib/python*/site-packages")
    sources = sorted(str(one) for one in folder.glob("*/src")) + sorted(
        str(one) for one in folder.glob("*/*/src")
    )
    # Its own code comes first; the .pth files of this environment name this tree.
    (site / "clone.pth").write_text("\n".join([*sources, sysconfig.get_path("purelib")]) + "\n")
    script = venv / "bin/pw"
    script.write_text(
        f"#!{venv}/bin/python\nimport sys\nfrom pw_cli.main import main\nsys.exit(main())\n"
    )
    script.chmod(0o755)
    bundled = Path(sys.executable).parent / "nats-server"
    if bundled.is_file():
        (venv / "bin/nats-server").symlink_to(bundled)
    # What `make setup` leaves, so that nothing is installed from the network.
    (venv / ".set-up").touch()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def as_printed(line: str) -> str:
    """The line itself where its port is free here, else with a port that is."""
    if port_is_free(PORT) or not re.search(r"make up|pw up", line):
        return line
    return f'{line} ARGS="--port 0"' if line == "make up" else f"{line} --port 0"


async def test_every_line_of_the_readme_is_run_here_or_named() -> None:
    ran = {
        "make up", "make test", "curl", ".venv/bin/pw simulate", ".venv/bin/pw parse",
        ".venv/bin/pw up", ".venv/bin/pw backtest", ".venv/bin/pw status", ".venv/bin/pw dlq",
        ".venv/bin/pw tail", "(umask 077",
    }  # fmt: skip
    for line in lines():
        assert ELSEWHERE.search(line) or any(map(line.startswith, ran)), line


@pytest.mark.timeout(600)
async def test_the_readme_works_as_printed_in_one_terminal(clone: Path) -> None:
    todo = [line for line in lines() if not ELSEWHERE.search(line)]
    market = list(generate(seed=1, minutes=1, tps=100, preset=presets.VARIED))
    source = replaying(market, rate="100", loop=True, token="YOUR-TOKEN")  # noqa: S106
    async with source as played, shell(clone) as terminal:
        endpoint = f"http://{played.target}"
        # The source that stands in for mainnet plays a recording.
        await terminal.run(f"export PW_INGEST_RECORDED_ENDPOINTS={endpoint}")
        for line in todo:
            play = PLAYED[next(word for word in PLAYED if re.search(word, line))]
            await play(terminal, line, endpoint)
        await stopped(terminal)
    assert (clone / "swaps.jsonl").stat().st_size > 1_000
    report = msgspec.json.decode((clone / "r.json").read_bytes())
    assert report["swaps"] == len((clone / "swaps.jsonl").read_text().splitlines())


async def made_up(terminal: Shell, line: str, _endpoint: str) -> None:
    """`make up`: it runs until Ctrl-C, and the terminal is the shell's again."""
    terminal.type(as_printed(line))
    await terminal.until("running  ")
    terminal.ctrl_c()
    _, out = await terminal.ended()
    assert "pw up: stopped" in out
    assert "Traceback" not in out


async def make_tested(terminal: Shell, line: str, _endpoint: str) -> None:
    """`make test`, of one file: all of them are what runs this."""
    assert " passed" in await terminal.run(f'{line} ARGS="-q {SMALL}"', 300)


async def ended_well(terminal: Shell, line: str, _endpoint: str) -> None:
    out = await terminal.run(as_printed(line))
    assert "Traceback" not in out


async def followed(terminal: Shell, line: str, _endpoint: str) -> None:
    """The real chain, at a node that is not there: it says so, and runs until Ctrl-C."""
    terminal.type(as_printed(line))
    await terminal.until("Source main is away")
    terminal.ctrl_c()
    _, out = await terminal.ended()
    assert "running on https://HOST/***" in out
    assert "KEY" not in out.partition("\n")[2]
    assert "pw up: stopped" in out
    assert "Traceback" not in out


async def left_running(terminal: Shell, line: str, endpoint: str) -> None:
    """The run of the Mainnet part, on a source that is here; what follows asks it."""
    here = as_printed(line).replace("https://HOST:PORT", endpoint)
    await terminal.run(f"{here} > up.log 2>&1 &")
    await terminal.run("until grep -q 'running  ' up.log; do sleep 0.2; done")


async def stopped(terminal: Shell) -> None:
    """The run that was left running."""
    await terminal.run("kill -INT %?pw; wait")
    assert "pw up: stopped" in await terminal.run("cat up.log")


async def fetched(terminal: Shell, line: str, endpoint: str) -> None:
    """The line for other clients, with the run that the text before it names."""
    await left_running(terminal, ".venv/bin/pw up --data data", endpoint)
    out = await terminal.run("cat data/run.json")
    found = re.search(r'"api":"http://([^"]+)"', out)
    assert found is not None
    fetched = await terminal.run(line.replace(f"127.0.0.1:{PORT}", found[1]))
    assert '"mode":"running"' in fetched
    await stopped(terminal)


# In this order: what a line holds, and how it is typed.
PLAYED = {
    r"^make up": made_up,
    r"^make test": make_tested,
    r"pw up --endpoint": left_running,
    r"pw up --rpc": followed,
    r"^curl": fetched,
    r"pw (simulate|parse|up|backtest|status|dlq|tail)|^\(umask": ended_well,
}
