"""What `pw up` cannot do, it says in one clear line, and ends."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest

from pw_cli.up.options.folder import data_folder


async def pw_up(*arguments: str, folder: Path, **environ: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pw_cli.main",
        "up",
        *arguments,
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith("PW_")} | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60.0)
    assert process.returncode is not None
    return process.returncode, out.decode()


async def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out = await pw_up("--port", str(port), folder=tmp_path)
    assert code == 78
    assert out.splitlines() == [f"pw up: port {port} is in use; choose another with --port"]


async def test_a_data_folder_that_another_run_has_is_refused_and_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with data_folder(data):
        before = sorted(data.rglob("*"))
        code, out = await pw_up("--data", str(data), "--port", "0", folder=tmp_path)
        assert sorted(data.rglob("*")) == before
    assert code == 78
    assert out.splitlines() == [
        f"pw up: --data {data}: another pw up runs there; stop it, or choose another folder"
    ]
    # Whatever ended the other run, its lock ended with it.
    with data_folder(data):
        pass


async def test_a_data_folder_that_cannot_be_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, out = await pw_up("--data", "file/data", "--port", "0", folder=tmp_path)
    assert code == 78
    assert out.splitlines() == ["pw up: --data file/data: Not a directory; choose another folder"]


async def test_a_missing_token_file_is_one_clear_line(tmp_path: Path) -> None:
    code, out = await pw_up(
        "--endpoint", "https://localhost:1", "--x-token-file", "/none/token", folder=tmp_path
    )
    assert code == 2
    assert out.splitlines() == ["pw up: --x-token-file: no such file: /none/token"]


@pytest.mark.parametrize(
    "words",
    [
        ("--port", "99999"),
        ("--port", "-5"),
        ("--timeout", "nan"),
        ("--timeout", "-1"),
        ("--api-token-file", "S3cretS3cretS3cret"),
        ("--endpoint", "https://localhost:1", "--x-token-file", "S3cretS3cretS3cret"),
    ],
)
async def test_a_wrong_argument_is_one_clear_line_without_what_may_be_secret(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    code, out = await pw_up(*words, folder=tmp_path)
    assert code == 2
    assert len(out.splitlines()) == 1
    assert "S3cret" not in out


async def test_an_absent_broker_of_ones_own_is_one_clear_line(tmp_path: Path) -> None:
    code, out = await pw_up("--port", "0", folder=tmp_path, PW_NATS_URL="nats://127.0.0.1:9")
    assert code == 69
    assert "no broker at nats://127.0.0.1:9" in out


@pytest.mark.timeout(90)
async def test_an_unreachable_endpoint_is_said_while_everything_else_runs(tmp_path: Path) -> None:
    code, out = await pw_up(
        "--endpoint", "http://127.0.0.1:9", "--timeout", "6", "--port", "0", folder=tmp_path
    )
    assert code == 0, out
    assert "127.0.0.1:9" in out
    assert "blind" in out
