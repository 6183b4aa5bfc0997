"""One line of figures from the API's status. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from pw_common.text.plain_text import SENTENCE_CHARS_MAX, plain_text


class RateView(msgspec.Struct):
    """A counter's rate."""

    per_s_1s: float


class ServiceView(msgspec.Struct):
    """A service's rates by counter."""

    service: str
    rates: dict[str, RateView]


class ConsumerView(msgspec.Struct):
    """What waits for one consumer."""

    consumer: str
    pending: int = 0
    ack_pending: int = 0
    lag_s: float | None = None


class StatusView(msgspec.Struct):
    """The parts of a status that the line shows, to tell one from anything else."""

    mode: str
    services: list[ServiceView] = []
    consumers: list[ConsumerView] = []
    totals: dict[str, int] = {}
    why: list[str] = []


def line(status: Mapping[str, Any]) -> str:
    """Mode, rates, what waits, and what went wrong; `?` where the status does not say."""
    services = {one["service"]: one["rates"] for one in status.get("services", [])}
    consumers = {one["consumer"]: one for one in status.get("consumers", [])}
    totals = status.get("totals", {})
    parser = consumers.get("parser", {})
    waiting = parser.get("pending", 0) + parser.get("ack_pending", 0)
    words = [
        f"{status.get('mode', '?'):<12}",
        f"in {_rate(services, 'ingest', 'pw_ingest_transactions_total')} tx/s",
        f"parsed {_rate(services, 'parser', 'pw_parser_transactions_total')} tx/s",
        f"swaps {_rate(services, 'parser', 'pw_parser_swaps_total')}/s",
        f"waiting {waiting if parser else '?'} (lag {parser.get('lag_s', '?')} s)",
        f"gaps {totals.get('gaps', '?')}",
        f"dead letters {totals.get('dead_letters', '?')}",
    ]
    why = "; ".join(status.get("why", []))
    return plain_text(" · ".join([*words, why] if why else words), SENTENCE_CHARS_MAX)


def _rate(services: Mapping[str, Any], service: str, counter: str) -> str:
    rate = services.get(service, {}).get(counter)
    return "?" if rate is None else f"{rate['per_s_1s']:,.0f}"
