"""What rules would have fired over the last hour: the detector's core over PW_SWAP, as a job.

One at a time, and folded while it is read, so that it holds what a detector holds and no more.
The folding is done in slices beside the event loop. A finished dry run is kept for a while.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal, TypeAlias

import msgspec
from fastapi import APIRouter, Request, Response

from pw_api.broker.stored import stored_lists
from pw_api.core.tried import SWAPS_MAX, Found, Trial
from pw_api.http import problems
from pw_api.http.answers import json
from pw_api.models.bodies import Parsing
from pw_api.models.changes import DryRunAnswer
from pw_api.models.openapi import (
    JSON,
    TEXT,
    YAML,
    answer_of,
    body_of,
    problems_of,
    schema_of,
)
from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.jetstream.consuming.log_reader import LogReader, StoredMessage
from pw_common.jetstream.consuming.ranges import read_batches
from pw_common.process.clock import now_ms
from pw_common.topology.subjects import STREAM_SWAP
from pw_common.wire.batches import batch_of
from pw_common.wire.envelope import BadEnvelope
from pw_common.wire.messages import Swap, WrongSchema
from pw_detection.rules.rules import Rule, read_rules

HOUR_MS: Final = 3_600_000
# An hour at 5,000 tx/s is 560,000 messages: more than a page may ask of the API.
MESSAGES_MAX: Final = 100_000
FETCH: Final = 128
# Messages by which the density of the others is judged.
SAMPLE: Final = 64
# Longer than anything under way takes to end.
SLICE_S: Final = 5.0
# Fetches in a row that bring nothing although there is something.
QUIET_MAX: Final = 10
KEPT_MAX: Final = 8
PATH: Final = "/api/v1/triggers/dry-run"
State: TypeAlias = Literal["running", "done", "failed", "cancelled"]


@dataclass
class Job:
    """One dry run: how far it is, and what it found so far."""

    id: str
    since_ms: int
    found: Found
    state: State = "running"
    why: str = ""
    first_seq: int = 0
    read: int = 0
    total: int = 0
    # More of the hour is stored than may be read.
    is_cut: bool = False
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    def view(self) -> dict[str, Any]:
        """As it is shown."""
        found = self.found
        return {
            "id": self.id,
            "state": self.state,
            "why": self.why,
            "read": self.read,
            "total": self.total,
            "share": round(self.read / self.total, 3) if self.total else float(self._is_over),
            "from_ms": found.from_ms,
            "to_ms": found.to_ms,
            "covers": self._covers(),
            "messages": found.messages,
            "swaps": found.swaps,
            "unreadable": found.unreadable,
            "opened": found.opened.total(),
            "opened_by_rule": {name: found.opened[name] for name in found.names},
            "alerts": [msgspec.to_builtins(alert) for alert in found.alerts],
        }

    @property
    def task_is_done(self) -> bool:
        """Whether it has ended."""
        return self.task is None or self.task.done()

    @property
    def _is_over(self) -> bool:
        return self.state != "running"

    def _covers(self) -> str:
        trial = self.found
        if trial.from_ms is None or trial.to_ms is None:
            return "nothing was stored in the last hour" if self._is_over else "nothing yet"
        covered = f"{(trial.to_ms - trial.from_ms) / 60_000:.1f} minutes"
        if self.is_cut:
            return f"{covered} of the last hour: as much as may be held, the hour has more"
        return f"{covered} of the last hour: all that is stored of it"


class DryRuns:
    """The running dry run and the last ones that ended."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def running(self) -> Job | None:
        """The dry run that runs, or is about to end."""
        return next((job for job in self._jobs.values() if not job.task_is_done), None)

    def find(self, name: str) -> Job | None:
        """A dry run by its id, if it is known."""
        return self._jobs.get(name)

    def start(self, bus: Bus, trial: Trial, at_ms: int) -> Job:
        """Begin; there must be none that runs."""
        job = Job(secrets.token_hex(8), at_ms - HOUR_MS, trial.found)
        while len(self._jobs) >= KEPT_MAX:
            del self._jobs[next(iter(self._jobs))]
        self._jobs[job.id] = job
        job.task = asyncio.create_task(_run(job, trial, bus), name="dry-run")
        job.task.add_done_callback(partial(_ended, job))
        return job

    async def cancel(self, job: Job) -> None:
        """End a running dry run; forget a finished one."""
        if job.task is None or job.task.done():
            del self._jobs[job.id]
            return
        # A flag, not an exception: a cancellation can get lost in what waits for the broker.
        job.state = "cancelled"
        await asyncio.wait({job.task}, timeout=SLICE_S)


def add_dry_runs(routes: APIRouter, bus: Callable[[], Bus], parsing: Parsing) -> None:
    """Start, look at and end dry runs."""
    runs = DryRuns()

    @routes.post(
        "/triggers/dry-run",
        status_code=202,
        responses=answer_of(DryRunAnswer, status=202) | problems_of(409, 413),
        openapi_extra=body_of({JSON: schema_of(Rule, many=True), YAML: TEXT}),
    )
    async def start(request: Request) -> Response:
        """Begin to find the alerts that rules would have given. Takes YAML or JSON."""
        rules = await parsing.body(request, read_rules)
        broker = bus()
        if (busy := runs.running()) is not None:
            return _is_busy(busy)
        watched, mutes = await stored_lists(broker)
        if (busy := runs.running()) is not None:
            return _is_busy(busy)
        job = runs.start(broker, Trial(rules, watched, mutes), now_ms())
        answer = json(job.view(), 202)
        answer.headers["Location"] = f"{PATH}/{job.id}"
        return answer

    @routes.get("/triggers/dry-run/{name}", responses=answer_of(DryRunAnswer))
    async def look(name: str) -> Response:
        """How far it is, the period that it covers, and what it found."""
        job = runs.find(name)
        return _unknown() if job is None else json(job.view())

    @routes.delete("/triggers/dry-run/{name}", responses=answer_of(DryRunAnswer))
    async def cancel(name: str) -> Response:
        """End it; a finished dry run is forgotten."""
        job = runs.find(name)
        if job is None:
            return _unknown()
        await runs.cancel(job)
        return json(job.view())


def _is_busy(busy: Job) -> Response:
    why = f"One dry run at a time: {busy.id} is running; wait for it or DELETE it."
    return problems.problem(409, why, headers={"Location": f"{PATH}/{busy.id}"})


def _unknown() -> Response:
    return problems.problem(404, "No such dry run, or no longer: start a new one.")


def _ended(job: Job, task: asyncio.Task[None]) -> None:
    """A bug ends the job too: else no other could ever start."""
    if job.state == "running":
        job.state = "cancelled" if task.cancelled() else "failed"
        job.why = (
            "" if task.cancelled() else f"{type(task.exception()).__name__}: an internal error"
        )


async def _run(job: Job, trial: Trial, bus: Bus) -> None:
    try:
        await _read(job, trial, bus)
    except (BrokerAway, ApiRefused, TimeoutError) as error:
        job.state, job.why = "failed", str(error)
    else:
        job.state = "done" if job.state == "running" else job.state


async def _read(job: Job, trial: Trial, bus: Bus) -> None:
    state = (await bus.api(f"STREAM.INFO.{STREAM_SWAP}"))["state"]
    last, oldest = int(state["last_seq"]), max(1, int(state["first_seq"]))
    first = max(oldest, last + 1 - await _fitting(bus, oldest, last))
    job.total = max(0, last + 1 - first)
    reader = LogReader(bus, STREAM_SWAP, start_seq=first)
    quiet = 0
    try:
        await reader.open()
        while reader.position < last and job.state == "running" and not trial.is_full:
            messages = await reader.fetch(FETCH)
            quiet = 0 if messages else quiet + 1
            if not messages and (not reader.pending or quiet > QUIET_MAX):
                break
            if messages and not job.read and first > oldest:
                job.is_cut = messages[0].time_ms > job.since_ms
            await asyncio.to_thread(_take, trial, messages, job.since_ms)
            job.read = min(job.total, max(job.read, reader.position + 1 - first))
        if job.state != "running":
            return
        if quiet > QUIET_MAX:
            raise TimeoutError(f"PW_SWAP gave nothing more after sequence {reader.position}")
        await asyncio.to_thread(trial.end)
        job.is_cut = job.is_cut or (reader.position < last and trial.is_full)
        job.read = job.total
    finally:
        await reader.close()


async def _fitting(bus: Bus, oldest: int, last: int) -> int:
    """How many of the newest messages fit, by how many swaps the very last ones have."""
    swaps = messages = 0

    def count_bad(_message: StoredMessage, _error: Exception) -> None:
        nonlocal messages
        messages += 1

    first = max(oldest, last + 1 - SAMPLE)
    async for _, batch in read_batches(bus, first, last, on_bad=count_bad):
        messages += 1
        swaps += sum(isinstance(event, Swap) for event in batch.events)
    return min(MESSAGES_MAX, SWAPS_MAX * messages // swaps) if swaps else MESSAGES_MAX


def _take(trial: Trial, messages: list[StoredMessage], since_ms: int) -> None:
    for message in messages:
        if message.time_ms < since_ms or trial.is_full:
            continue
        try:
            trial.take(batch_of(message.headers, message.body), message.time_ms, message.seq)
        except (BadEnvelope, WrongSchema):
            trial.found.unreadable += 1
