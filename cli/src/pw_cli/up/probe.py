"""Asking running services over HTTP what they have done so far."""

from __future__ import annotations

from typing import Any

import httpx

TIMEOUT_S = 2.0


async def status_of(client: httpx.AsyncClient, port: int) -> dict[str, Any] | None:
    """The replay server's `/status`, or None while it does not answer."""
    try:
        answer = await client.get(f"http://127.0.0.1:{port}/status", timeout=TIMEOUT_S)
    except httpx.TransportError:
        return None
    found: dict[str, Any] = answer.json()
    return found


async def is_ready(client: httpx.AsyncClient, port: int) -> bool:
    """Whether `/readyz` says yes."""
    try:
        answer = await client.get(f"http://127.0.0.1:{port}/readyz", timeout=TIMEOUT_S)
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK


async def is_live(client: httpx.AsyncClient, port: int) -> bool:
    """Whether `/livez` answers at all."""
    try:
        answer = await client.get(f"http://127.0.0.1:{port}/livez", timeout=TIMEOUT_S)
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK


async def counters(client: httpx.AsyncClient, port: int) -> dict[str, float]:
    """Every sample of `/metrics`, summed over labels; empty while it does not answer."""
    try:
        answer = await client.get(f"http://127.0.0.1:{port}/metrics", timeout=TIMEOUT_S)
    except httpx.TransportError:
        return {}
    found: dict[str, float] = {}
    for line in answer.text.splitlines():
        if not line or line.startswith("#"):
            continue
        name, _, value = line.rpartition(" ")
        bare = name.partition("{")[0]
        found[bare] = found.get(bare, 0.0) + float(value)
    return found
