"""The API: discovery and one metric, for whoever shows the front proxy's certificate."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from pw_common.jetstream.bus import ApiRefused, BrokerAway
from pw_common.process.clock import now_ms
from pw_common.service.run import Runtime
from pw_lag_adapter.core.external_metrics import (
    GROUP_VERSION,
    METRIC,
    BadSelector,
    durable_of,
    failure,
    may_ask,
    resources,
    value_list,
)
from pw_lag_adapter.tls import Peers

# The HPA asks every 15 s and would rather hear nothing than wait.
ASK_TIMEOUT_S = 2.0


def make_app(runtime: Runtime, peers: Peers, names: frozenset[str]) -> Starlette:
    """Every path that the API server asks for."""

    def refused(request: Request) -> JSONResponse | None:
        client = request.client
        certificate = peers.of((client.host, client.port)) if client else None
        if may_ask(certificate, names):
            return None
        return _failed(HTTPStatus.FORBIDDEN, "Forbidden", "not the front proxy's certificate")

    async def discovery(request: Request) -> JSONResponse:
        return refused(request) or JSONResponse(resources())

    async def value(request: Request) -> JSONResponse:
        if (no := refused(request)) is not None:
            return no
        try:
            durable = durable_of(request.query_params.get("labelSelector", ""))
        except BadSelector as error:
            return _failed(HTTPStatus.BAD_REQUEST, "BadRequest", str(error))
        subject = f"CONSUMER.INFO.{durable.stream}.{durable.consumer}"
        try:
            if not runtime.bus.connected:
                raise BrokerAway("not connected to the broker")  # noqa: TRY301 - as the rest
            info = await runtime.bus.api(subject, timeout_s=ASK_TIMEOUT_S)
        except (BrokerAway, ApiRefused) as error:
            # Never a 0: the HPA keeps its count of replicas when it gets no answer.
            runtime.metrics.count("pw_lag_adapter_failed_total")
            return _failed(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", str(error))
        lag = int(info["num_pending"]) + int(info["num_ack_pending"])
        runtime.metrics.set("pw_lag_adapter_lag", lag)
        at = datetime.fromtimestamp(now_ms() / 1_000, tz=UTC)
        return JSONResponse(value_list(durable, lag, f"{at:%Y-%m-%dT%H:%M:%SZ}"))

    root = f"/apis/{GROUP_VERSION}"
    return Starlette(
        routes=[
            Route(root, discovery),
            Route(f"{root}/namespaces/{{namespace}}/{METRIC}", value),
        ]
    )


def _failed(code: HTTPStatus, reason: str, message: str) -> JSONResponse:
    return JSONResponse(failure(code.value, reason, message), status_code=code.value)
