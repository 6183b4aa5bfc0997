"""Asking running services over HTTP what they have done so far."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import httpx

from pw_cli.api_client import ANSWER_BYTES_MAX, decoded
from pw_notifier.exchange import Answered, NoAnswer, exchange

TIMEOUT_S = 2.0


async def answer_of(client: httpx.AsyncClient, port: int, path: str) -> Answered | None:
    """A whole answer of what listens on a loopback port, or None: another may have taken it."""
    try:
        answer = await exchange(
            client,
            "GET",
            f"http://127.0.0.1:{port}{path}",
            deadline_s=TIMEOUT_S,
            bytes_max=ANSWER_BYTES_MAX,
        )
    except NoAnswer:
        return None
    return answer if answer.whole else None


async def status_of(client: httpx.AsyncClient, port: int) -> dict[str, Any] | None:
    """The replay server's `/status`, or None while it does not answer."""
    answer = await answer_of(client, port, "/status")
    found = decoded(answer.body) if answer is not None else None
    return found if isinstance(found, dict) else None


async def is_ready(client: httpx.AsyncClient, port: int) -> bool:
    """Whether `/readyz` says yes."""
    answer = await answer_of(client, port, "/readyz")
    return answer is not None and answer.status == HTTPStatus.OK


async def is_live(client: httpx.AsyncClient, port: int) -> bool:
    """Whether `/livez` answers at all."""
    answer = await answer_of(client, port, "/livez")
    return answer is not None and answer.status == HTTPStatus.OK


async def counters(client: httpx.AsyncClient, port: int) -> dict[str, float]:
    """Every sample of `/metrics`, summed over labels; empty while it does not answer."""
    answer = await answer_of(client, port, "/metrics")
    found: dict[str, float] = {}
    for line in answer.body.decode("utf-8", "replace").splitlines() if answer is not None else ():
        if not line or line.startswith("#"):
            continue
        name, _, value = line.rpartition(" ")
        bare = name.partition("{")[0]
        found[bare] = found.get(bare, 0.0) + float(value)
    return found
