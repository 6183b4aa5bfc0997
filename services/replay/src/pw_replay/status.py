"""What the replay server says about itself over HTTP: `/status`, health, metrics."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from pw_common.process.version import VERSION
from pw_common.service.health import JSON, PROMETHEUS, TEXT, Reply, Route
from pw_common.service.metrics import Metrics
from pw_replay.player import Player


class Status:
    """Answers from a player's figures; `listen` is the gRPC address once there is one."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._metrics = Metrics("replay", VERSION)
        self.listen = ""

    def routes(self) -> dict[str, Route]:
        """Every path and its answer."""
        return {
            "/livez": _ok,
            "/readyz": _ok,
            "/status": self._status,
            "/metrics": self._render,
        }

    def _status(self) -> Reply:
        player = self._player
        body = {
            "sent_updates": player.sent_updates,
            "sent_transactions": player.sent_transactions,
            "done": player.done,
            "subscribers": player.subscribers,
            "slot": player.slot,
            "listen": self.listen,
        }
        if player.done:
            player.flush()
        return HTTPStatus.OK, JSON, msgspec.json.encode(body) + b"\n"

    def _render(self) -> Reply:
        for name, now in (
            ("pw_replay_updates_total", self._player.sent_updates),
            ("pw_replay_transactions_total", self._player.sent_transactions),
        ):
            self._metrics.count(name, now - self._metrics.total(name))
        return HTTPStatus.OK, PROMETHEUS, self._metrics.render()


def _ok() -> Reply:
    return HTTPStatus.OK, TEXT, b"ok\n"
