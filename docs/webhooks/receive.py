"""Receive Pocketwatcher's webhooks and verify each: `python receive.py PORT`.

Needs `pip install standardwebhooks` and the channel's secret in PW_WEBHOOK_SECRET. While the
secret is changed, either key verifies.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

WEBHOOK = Webhook(os.environ["PW_WEBHOOK_SECRET"])
BODY_BYTES_MAX = 16 * 1024 * 1024
REMEMBERED = 10_000

# Alerts that came before: one may come again, by itself or in a digest. Keep them where a restart
# of yours does not forget them.
seen: dict[str, None] = {}


def verified(headers: dict[str, str], body: bytes) -> dict[str, Any] | None:
    """The message, or None where it is not from us, was changed, or is older than 5 minutes."""
    try:
        WEBHOOK.verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError):
        return None
    message: dict[str, Any] = json.loads(body)
    return message


def take(message: dict[str, Any]) -> None:
    """Print every alert once; `late` means that the message is a digest of old ones."""
    for alert in message["alerts"]:
        if alert["id"] in seen:
            continue
        seen[alert["id"]] = None
        print("late" if message["late"] else "new", alert["severity"], alert["title"], flush=True)
    while len(seen) > REMEMBERED:
        del seen[next(iter(seen))]


class Handler(BaseHTTPRequestHandler):
    """204 takes a message. After a 401 the channel holds its alerts until it is set right."""

    def do_POST(self) -> None:
        """Verify before anything is read of it."""
        length = int(self.headers.get("Content-Length", "0"))
        message = None
        if length <= BODY_BYTES_MAX:
            message = verified(dict(self.headers.items()), self.rfile.read(length))
        if message is not None:
            take(message)
        self.send_response(401 if message is None else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: what is taken is printed."""


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler) as server:
        print("listening on port", server.server_port, flush=True)
        server.serve_forever()
