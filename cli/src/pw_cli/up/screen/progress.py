"""What a person sees while it runs: where to look, then one line of figures."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import msgspec

from pw_cli.connect.runs import RUN_FILE
from pw_cli.up.processes.probe import NoAnswer, json_of
from pw_cli.up.processes.system import System
from pw_cli.up.report.report import Report
from pw_cli.up.screen.figures import StatusView, line
from pw_cli.up.screen.outlet import Outlet
from pw_cli.up.screen.screen import Screen
from pw_common.text.plain_text import plain_json
from pw_common.text.redact import redacted_url

LINE_EVERY_S = 5.0
LIVE_EVERY_S = 1.0
BUNDLED = (
    "This run has the bundled nats-server {version}, which is there for trying things out and for "
    "tests. For a run that lasts, install nats-server (one on PATH is taken first) or set "
    "PW_NATS_URL: see docs/runbook.md"
)


class Progress:
    """Lines on stderr; on a terminal the figures stay on one line, below everything else."""

    def __init__(self, system: System, *, as_json: bool, screen: Screen | None = None) -> None:
        self._system = system
        self._as_json = as_json
        self._screen = screen or Screen(sys.stderr)
        # A program reads stdout; whatever the services write stays on stderr.
        self._json_out = Outlet(sys.stdout) if as_json else None

    def close(self) -> None:
        """Nothing more is shown."""
        self._screen.rest()
        if self._json_out is not None:
            self._json_out.close()

    def say(self, line: str) -> None:
        """Something that happened once."""
        if self._as_json:
            self._json({"event": "message", "text": line})
            return
        self._screen.line(line)

    def started(self) -> None:
        """Where to look."""
        system = self._system
        api = system.api
        endpoint = system.options.endpoint or system.options.rpc
        source = (redacted_url(endpoint) if endpoint else "") or {
            "capture": f"{len(system.options.captures)} capture(s)",
            "market": f"a generated market (seed {system.options.seed})",
        }.get(system.options.source_kind, "")
        kept = system.options.data or "a temporary folder, removed on exit (--data DIR keeps it)"
        broker = redacted_url(system.nats_url)
        if self._as_json:
            run_file = str(system.folder.resolve() / RUN_FILE)
            started = {"event": "started", "api": api, "broker": broker}
            self._json(started | {"run_file": run_file})
            self._warn_of_bundled()
            return
        link = system.access.link(api)
        once = "" if system.access.token is None else "   (works once; `pw url` prints another)"
        for text in (
            f"Pocketwatcher is running on {source}",
            f"  alerts        {link}{once}",
            f"  status        {api}/api/v1/status",
            f"  swaps         {api}/api/v1/swaps",
            f"  API           {api}/openapi.json",
            f"  broker        {broker}",
            f"  data          {kept}",
            "  stop          Ctrl-C (finishes the work in progress; twice: at once)",
        ):
            self.say(text)
        self._warn_of_bundled()

    def _warn_of_bundled(self) -> None:
        broker = self._system.broker
        if not self._system.plays and broker is not None and broker.binary.bundled:
            self.say(BUNDLED.format(version=broker.binary.version))

    async def show(self) -> None:
        """Print the figures until cancelled."""
        while True:
            live = self._screen.live and not self._as_json
            await asyncio.sleep(LIVE_EVERY_S if live else LINE_EVERY_S)
            status = await self._status()
            await self._system.refresh()
            if self._as_json:
                self._json({"event": "status", "status": status})
                continue
            self._screen.figures(line(status))

    def ended(self, report: Report) -> None:
        """The outcome in words, or as JSON."""
        if self._as_json:
            self._json({"event": "report", "report": msgspec.to_builtins(report)})
            return
        latency = report.latency_ms["swap"]
        cpu = ", ".join(f"{name} {value:g}" for name, value in report.cpu_us_per_tx.items())
        self.say(
            f"sent {report.transactions_sent} · received {report.transactions_in} · parsed "
            f"{report.transactions_parsed} (failed {report.failed}, votes {report.votes})"
        )
        self.say(
            f"swaps {report.swaps} · dead letters {report.dead_letters} · gaps {report.gaps} · "
            f"stored duplicates {report.stored_duplicates} · late {report.late}"
        )
        self.say(
            f"{report.elapsed_s:g} s · {report.throughput_tx_s:g} tx/s · sent to swap stored: "
            f"p50 {latency.p50} ms, p99 {latency.p99} ms"
        )
        self.say(f"CPU us/tx: {cpu}")
        self.say(f"swap digest {report.swap_digest}")
        self.say(f"{report.alerts} alerts, digest {report.alert_digest}")
        if not report.drained and self._system.options.exit_when_drained:
            self.say("NOT drained: stopped early, or not everything that was sent was parsed")

    async def _status(self) -> dict[str, Any]:
        """The API's status, or why there is none."""
        system = self._system
        url, headers = f"{system.api}/api/v1/status", system.access.headers
        try:
            found = await json_of(system.client, url, headers)
            msgspec.convert(found, StatusView)
        except NoAnswer as error:
            return away(str(error))
        except msgspec.ValidationError:
            return away("the answer is not a status")
        return found

    def _json(self, value: object) -> None:
        assert self._json_out is not None
        self._json_out.write(plain_json(msgspec.json.encode(value)).decode() + "\n")


def away(why: str) -> dict[str, Any]:
    """Shown instead of a status: the pipeline runs on without the API."""
    return {"mode": "api away", "why": [f"the API does not answer ({why}); retrying"]}
