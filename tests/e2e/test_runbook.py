"""Every command of the runbook is run, or names what is there."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from pw_cli.audit.rederive import stored_alerts
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.connection import connect
from pw_common.jetstream.consuming.stored import stored_messages
from pw_common.process.log import Log
from pw_common.topology import subjects
from pw_common.wire.captures import CaptureWriter
from pw_common.wire.messages import decode_gap
from support.broker import running_broker
from support.filled_history import exported
from support.market import market
from support.poll import poll_until
from support.running import running

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
BLOCK = re.compile(r"^```(sh[^\n]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
FIRST, LAST = 300_000_050, 300_000_055
BAD = b"\xff" * 40
LINES_MAX = 280


def commands(marked: str) -> list[str]:
    """Every line of the blocks with this mark, without its comment."""
    blocks = [body for mark, body in BLOCK.findall(RUNBOOK) if mark == marked]
    lines = [line.split(" #")[0].strip() for body in blocks for line in body.splitlines()]
    return [line for line in lines if line]


async def shell(line: str, folder: Path, environ: dict[str, str]) -> tuple[int, str]:
    """Run a line as a shell would, with `pw` and python of this environment."""
    python = shlex.quote(sys.executable)
    line = line.replace(".venv/bin/python", python)
    line = line.replace(".venv/bin/pw", f"{python} -m pw_cli.main")
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PW_")}
    process = await asyncio.create_subprocess_shell(
        line,
        cwd=folder,
        env=clean | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 120.0)
    assert process.returncode is not None
    return process.returncode, out.decode()


def write_trouble(path: Path) -> Path:
    """A market in which one update cannot be read."""
    updates = market(seed=3, minutes=2, tps=40)
    with CaptureWriter(path) as writer:
        for at, update in enumerate(updates):
            writer.write(update)
            if at == len(updates) // 2:
                writer.write(BAD)
    return path


async def until_quiet(bus: Bus) -> None:
    """Everything that was played is parsed and folded, with its trouble."""
    before: list[int] = []

    async def still() -> bool:
        nonlocal before
        info = await bus.api("CONSUMER.INFO.PW_TX.parser")
        entry = await bus.kv_get(subjects.BUCKET_DETECTOR, "position")
        folded = msgspec.json.decode(entry[0])["folded_seq"] if entry else 0
        stored = [
            int((await bus.api(f"STREAM.INFO.{name}"))["state"]["last_seq"])
            for name in (subjects.STREAM_SWAP, subjects.STREAM_ALERT, subjects.STREAM_DLQ)
        ]
        waits = [info["num_pending"], info["num_ack_pending"]]
        same, before = before == [*stored, folded, *waits], [*stored, folded, *waits]
        return same and all(stored) and not any(waits)

    await poll_until(still, "the market played", timeout_s=180, every_s=1.0)


@pytest.mark.timeout(600)
async def test_every_command_does_what_the_runbook_says_on_a_running_system(
    tmp_path: Path,
) -> None:
    lines = commands("sh")
    assert len(lines) > 20
    capture = write_trouble(tmp_path / "archive.pb.zst")
    played = ("--capture", str(capture), "--rate", "max", "--once")
    faults = ("--faults", f"skip_slots={FIRST}-{LAST}")
    async with running(*played, *faults, folder=tmp_path) as run:
        bus = await connect(run.broker_url, "test", Log("test"))
        async with running_broker(tmp_path / "empty") as empty:
            await until_quiet(bus)
            alert = (await stored_alerts(bus))[0]
            gaps = [decode_gap(one.data) async for one in stored_messages(bus, "PW_GAP")]
            environ = {
                "PW_API_URL": run.api,
                "PW_NATS_URL": run.broker_url,
                "EMPTY_BROKER": empty.url,
                "ALERT": alert.id,
                "MINT": alert.mint,
                "GAP": gaps[0].id,
            }
            failed = []
            for line in lines:
                code, out = await shell(line, tmp_path, environ)
                if code != 0:
                    failed.append(f"{line} -> {code}\n{out}")
            assert not failed, "\n".join(failed)
        await bus.close()
        assert await run.stop() == 0


async def test_every_command_about_exported_hours_does_what_the_runbook_says(
    tmp_path: Path,
) -> None:
    manifest = exported(tmp_path / "data")
    (tmp_path / "data/history/parquet" / manifest.hours[1].files["swaps"].path).unlink()
    ended = [(line, await shell(line, tmp_path, {})) for line in commands("sh hours")]
    assert [code for _, (code, _) in ended] == [1, 0, 0], ended


# What a word of a kubectl line means: kind, then name.
KINDS = {
    "deployment": "Deployment",
    "statefulset": "StatefulSet",
    "hpa": "HorizontalPodAutoscaler",
    "apiservice": "APIService",
}


def folder_of(word: str) -> Path | None:
    """The overlay of this name; `k8s/site` is the user's copy of the example."""
    folder = ROOT / (f"{word}.example" if word == "k8s/site" else word)
    return folder if (folder / "kustomization.yaml").is_file() else None


def names_of(objects: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(one["kind"], one["metadata"]["name"]) for one in objects}


def mentioned(value: object) -> set[str]:
    """Every string in a manifest."""
    if isinstance(value, dict):
        return {text for one in value.values() for text in mentioned(one)}
    if isinstance(value, list):
        return {text for one in value for text in mentioned(one)}
    return {value} if isinstance(value, str) else set()


def kubernetes_problems(line: str, objects: list[dict[str, Any]]) -> list[str]:
    """What a kubectl line names that the rendered manifests do not have."""
    words = shlex.split(line)
    known, texts = names_of(objects), mentioned(objects)
    is_script = words[0].startswith("k8s/") and os.access(ROOT / words[0], os.X_OK)
    wrong = [] if words[0] == "kubectl" or is_script else ["not kubectl"]
    if is_script and not any(folder_of(word) for word in words[1:]):
        wrong.append("no overlay")
    for at, word in enumerate(words):
        kind, _, name = word.partition("/")
        after = words[at + 1] if at + 1 < len(words) else ""
        if kind in KINDS and not name and after and words[at - 1] in {"get", "delete"}:
            name = after
        if kind in KINDS and name and (KINDS[kind], name) not in known:
            wrong.append(f"no {kind} {name}")
        if word == "-n" and after not in {"pocketwatcher", "kube-system"}:
            wrong.append(f"no namespace {after}")
        if word == "-k" and not folder_of(after):
            wrong.append(f"no kustomization in {after}")
        if word == "-l" and after.partition("=")[2] not in texts:
            wrong.append(f"nothing is labelled {after}")
        made = words[at + (2 if word == "secret" else 1) :][:1]
        if "create" in words[:at] and word in {"secret", "configmap"} and made[0] not in texts:
            wrong.append(f"nothing reads the {word} {made[0]}")
    return wrong


@pytest.fixture(scope="module")
def rendered() -> list[dict[str, Any]]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on PATH")
    from k8s_check import render

    return render("overlays/prod")


def test_every_kubernetes_command_names_what_the_manifests_have(
    rendered: list[dict[str, Any]],
) -> None:
    lines = commands("sh kubernetes")
    assert len(lines) >= 8
    assert {line: kubernetes_problems(line, rendered) for line in lines} == {
        line: [] for line in lines
    }


@pytest.mark.parametrize(
    "line",
    [
        "kubectl -n elsewhere get hpa parser",
        "kubectl -n pocketwatcher get hpa parsers",
        "kubectl -n pocketwatcher rollout restart deployment/ingests",
        "kubectl apply -k k8s/overlays/nowhere",
        "k8s/uninstall.sh k8s/overlays/nowhere",
        "k8s/remove.sh k8s/site",
        "kubectl delete apiservice v1.nobody",
        "kubectl -n pocketwatcher get pods -l app.kubernetes.io/name=nobody",
        "kubectl -n pocketwatcher create secret generic token --from-file=token",
        "kubectl -n pocketwatcher create configmap proxy-ca --from-file=ca.crt",
    ],
)
def test_a_kubernetes_command_that_names_nothing_is_found(
    rendered: list[dict[str, Any]], line: str
) -> None:
    assert kubernetes_problems(line, rendered)


def test_every_docker_command_names_services_of_the_compose_file() -> None:
    services = set(yaml.safe_load((ROOT / "compose.yaml").read_text())["services"])
    lines = commands("sh docker")
    assert len(lines) >= 3
    for line in lines:
        words = shlex.split(line)
        assert words[:2] == ["docker", "compose"], line
        assert words[2] in {"up", "exec"}, line
        named = [word.partition("=")[0] for word in words[3:] if not word.startswith("-")]
        assert named, line
        if words[2] == "exec":
            del named[1:]  # What follows the service is a command in it.
        assert set(named) <= services, line


def test_the_runbook_is_short_and_every_block_of_it_is_checked_in_some_way() -> None:
    assert len(RUNBOOK.splitlines()) <= LINES_MAX
    marks = {mark for mark, _ in BLOCK.findall(RUNBOOK)}
    assert marks == {"sh", "sh kubernetes", "sh docker", "sh hours"}
    assert RUNBOOK.count("```") == 2 * len(BLOCK.findall(RUNBOOK))


def test_every_file_that_the_runbook_names_is_there() -> None:
    named = re.findall(r"(?:docs|tests)/[\w./-]+\.(?:md|py)", RUNBOOK)
    assert len(named) >= 3
    assert [name for name in named if not (ROOT / name).is_file()] == []
