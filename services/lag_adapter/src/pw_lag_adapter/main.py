"""Wire: settings, the broker, the TLS server beside the health server."""

from __future__ import annotations

import asyncio

from pw_common.process.tasks import end_tasks
from pw_common.service.run import Runtime, run_service
from pw_common.service.settings import host_port, load_or_exit
from pw_lag_adapter.app import make_app
from pw_lag_adapter.config import Settings
from pw_lag_adapter.tls import Peers, follow, server

POLL_S = 0.05


def main() -> int:
    """0 after a stop, 78 for wrong settings."""
    settings = load_or_exit(Settings)

    async def body(runtime: Runtime) -> None:
        names = frozenset(one.strip() for one in settings.client_names.split(","))
        peers = Peers()
        host, port = host_port(settings.listen)
        tls = server(make_app(runtime, peers, names), peers, settings, host, port)
        serving = asyncio.create_task(tls.serve(), name="tls")
        renewing = asyncio.create_task(follow(tls, settings, runtime.log), name="renew")
        stopping = asyncio.create_task(runtime.stop.wait(), name="adapter-stop")
        while not tls.started and not serving.done():  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)
        if tls.started:
            at = tls.servers[0].sockets[0].getsockname()[1]
            runtime.log.info("adapter_listens", port=at)
            runtime.set_ready()
        # A bug in any of them ends the service loudly.
        await asyncio.wait({serving, renewing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        tls.should_exit = True
        await serving
        await end_tasks(stopping, renewing)
        if not renewing.cancelled():
            renewing.result()

    # Without the broker it still answers: 503 for the metric, and discovery as ever. Unready
    # pods would make the whole API group unavailable, which Kubernetes itself waits for.
    return run_service("lag_adapter", settings, body, needs_broker=False)
