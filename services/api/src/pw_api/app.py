"""The HTTP surface: routes and the page. What they answer, and to whom, is decided elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from pw_api.broker.status import status_view
from pw_api.core.access import Host
from pw_api.http import problems
from pw_api.http.access import Access, Guard
from pw_api.http.counting import Counting
from pw_api.http.heads import Heads
from pw_api.http.parameters import BeforeSeq, Limit, known_parameters
from pw_api.http.site import Site, add_site, load_site
from pw_api.models import openapi
from pw_api.models.records import DeadLettersView, GapsView
from pw_api.models.status import StatusView
from pw_api.routes import (
    alert_stream,
    alerts,
    configuration,
    facts,
    history,
    records,
    replays,
    tokens,
    unlisted,
)
from pw_api.routes.kept import exports, found, swaps, traded
from pw_common.jetstream.bus import BrokerAway, Bus
from pw_common.jetstream.overview import take
from pw_common.process.clock import monotonic_s, now_ms
from pw_common.process.version import VERSION
from pw_common.service.run import Runtime, routes
from pw_health import Since, conditions
from pw_health.reading import snapshot_of

LIMIT_WITH_BODY_MAX = 50
# Many pages open at once ask the broker no more often than this.
SNAPSHOT_KEPT_S = 0.2
# Smaller answers do not shrink.
GZIP_BYTES_MIN = 1024
GZIP_LEVEL = 4

WithBody = Annotated[
    bool, Query(description=f"Add the body as hex; then limit <= {LIMIT_WITH_BODY_MAX}")
]


@dataclass
class StatusCache:
    """The last status, shared by those who ask within SNAPSHOT_KEPT_S."""

    runtime: Runtime
    demo: bool = False
    pw_command: str = ""
    _since: Since = field(default_factory=Since)
    _view: StatusView | None = None
    _taken_s: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self) -> StatusView:
        """The status, at most SNAPSHOT_KEPT_S old; raises BrokerAway, ApiRefused."""
        async with self._lock:
            if self._view is None or monotonic_s() - self._taken_s > SNAPSHOT_KEPT_S:
                bus = self.runtime.bus
                shot = await take(bus, now_ms())
                wrong = self._since.of(conditions(snapshot_of(shot)), shot.broker_ms)
                self._view = status_view(
                    shot,
                    wrong,
                    demo=self.demo,
                    pw_command=self.pw_command,
                    unlisted=await unlisted.unlisted_view(bus),
                )
                self._taken_s = monotonic_s()
            return self._view


def build_app(
    runtime: Runtime,
    token: str | None,
    hosts: tuple[Host, ...] = (),
    *,
    demo: bool = False,
    pw_command: str = "",
    site: Site | None = None,
    node: facts.Facts | None = None,
) -> FastAPI:
    """The whole application.

    Args:
        token: What every /api request must carry; None asks for nothing.
        hosts: Names that /api answers to, beside the loopback ones.
        demo: What is shown is a generated market; the page says so.
        pw_command: How `pw` is called where this was started; the page shows commands with it.
        site: The pages; None for those that are installed.
        node: Who is asked for what is not in the stream; None: nobody.
    """
    # The interactive documentation pages load scripts from elsewhere, so there are none.
    app = FastAPI(
        title="Pocketwatcher",
        version=VERSION,
        summary="What the system does right now, and what it saw last",
        docs_url=None,
        redoc_url=None,
    )
    problems.install(app)
    configuration.install(app)
    openapi.install(app)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_BYTES_MIN, compresslevel=GZIP_LEVEL)
    app.add_middleware(Heads)
    access = Access(token, hosts, runtime.started_at_ms)
    app.add_middleware(Guard, access=access, runtime=runtime)
    # Added last, so that what the guard refuses is counted too.
    app.add_middleware(Counting, metrics=runtime.metrics)
    app.include_router(_api(runtime, StatusCache(runtime, demo, pw_command), node))
    _add_health(app, runtime)

    add_site(app, load_site() if site is None else site)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> RedirectResponse:
        return RedirectResponse("/openapi.json")

    return app


def _api(runtime: Runtime, cache: StatusCache, node: facts.Facts | None) -> APIRouter:
    router = APIRouter(
        prefix="/api/v1",
        responses=openapi.problems_of(401, 403, 404, 405, 415, 421, 422, 500, 503),
        dependencies=[Depends(known_parameters)],
    )

    def bus() -> Bus:
        # Answered at once, instead of after the time that a request may take.
        if not runtime.bus.connected:
            raise BrokerAway("not connected")
        return runtime.bus

    @router.get("/status")
    async def status() -> StatusView:
        """The whole system at this moment."""
        bus()
        return await cache.get()

    @router.get("/gaps")
    async def gaps(limit: Limit = 100, before_seq: BeforeSeq = None) -> GapsView:
        """Slots that a source did not give."""
        return await records.gaps(bus(), limit=limit, before_seq=before_seq)

    @router.get("/dead-letters")
    async def dead_letters(
        limit: Limit = 50, before_seq: BeforeSeq = None, body: WithBody = False
    ) -> DeadLettersView:
        """Updates that could not be read, and why."""
        if body and limit > LIMIT_WITH_BODY_MAX:
            raise HTTPException(422, f"query.limit: at most {LIMIT_WITH_BODY_MAX} with body=true")
        return await records.dead_letters(bus(), limit=limit, before_seq=before_seq, with_body=body)

    router.include_router(replays.router(bus, runtime.log))
    router.include_router(unlisted.router(bus))
    # Before the pages of alerts, since its path begins like theirs.
    router.include_router(alert_stream.router(runtime, bus))
    router.include_router(alerts.router(bus))
    for one in (exports, swaps, traded, found):
        router.include_router(one.router(bus))
    router.include_router(tokens.router(bus))
    router.include_router(facts.router(bus, node))
    router.include_router(configuration.router(bus))
    router.include_router(history.router(bus))
    return router


def _add_health(app: FastAPI, runtime: Runtime) -> None:
    """The same three answers that every service gives."""

    def add(path: str, answer: Callable[[], tuple[HTTPStatus, str, bytes]]) -> None:
        async def reply() -> Response:
            status, kind, body = answer()
            return Response(body, status.value, headers={"Content-Type": kind})

        app.add_api_route(path, reply, methods=["GET", "HEAD"], include_in_schema=False)

    for path, answer in routes(runtime).items():
        add(path, answer)
