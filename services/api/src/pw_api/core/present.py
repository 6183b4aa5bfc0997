"""From our messages to what HTTP shows: u64 as decimal strings, bodies as bounded hex. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pw_common.wire.envelope import CONTENT_ENCODING, ZSTD, BadEnvelope, decompress
from pw_common.wire.heartbeat import Rate
from pw_common.wire.limits import DECOMPRESSED_BYTES_MAX

BODY_BYTES_MAX = 64 * 1024


def sum_rates(several: list[dict[str, Rate]]) -> dict[str, Rate]:
    """Totals and rates of a service over its instances, by metric name."""
    names = sorted({name for rates in several for name in rates})
    return {
        name: Rate(
            total=sum(r[name].total for r in several if name in r),
            per_s_1s=round(sum(r[name].per_s_1s for r in several if name in r), 2),
            per_s_60s=round(sum(r[name].per_s_60s for r in several if name in r), 2),
        )
        for name in names
    }


def body_hex(headers: Mapping[str, str], body: bytes) -> tuple[str, str, bool]:
    """A dead letter's body as (encoding, hex, cut).

    Decompressed when it can be (`identity`), else as stored under its own
    encoding's name; at most BODY_BYTES_MAX bytes of it.
    """
    encoding = headers.get(CONTENT_ENCODING, "identity")
    if encoding == ZSTD:
        try:
            body = decompress(body, DECOMPRESSED_BYTES_MAX)
            encoding = "identity"
        except BadEnvelope:
            pass  # What cannot be decompressed is shown as it is: that may be why it is here.
    return encoding, body[:BODY_BYTES_MAX].hex(), len(body) > BODY_BYTES_MAX


def whole_number(headers: Mapping[str, str], name: str) -> int | None:
    """A header's integer, None when absent or not an integer."""
    value = headers.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 18 else None
