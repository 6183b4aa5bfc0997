"""A port that a run has chosen stays its own until the service that listens there has started."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from pw_cli.up.processes.processes import free_port, port_is_free

# Of 28,000 that a system usually gives out; what was chosen a moment ago is otherwise met.
ASKERS = 15_000
AT_ONCE = 500


def test_a_chosen_port_is_given_to_no_one_who_asks_for_any_port() -> None:
    chosen = {free_port() for _ in range(100)}
    assert len(chosen) == 100
    met: set[int] = set()
    for _ in range(ASKERS // AT_ONCE):
        with ExitStack() as open_now:
            for _ in range(AT_ONCE):
                asker = open_now.enter_context(socket.socket())
                asker.bind(("127.0.0.1", 0))
                met.add(asker.getsockname()[1])
    assert not met & chosen


def test_a_chosen_port_becomes_nobodys_near_end_of_a_connection() -> None:
    chosen = {free_port() for _ in range(100)}
    met: set[int] = set()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(AT_ONCE)
        for _ in range(ASKERS // AT_ONCE):
            with ExitStack() as open_now:
                for _ in range(AT_ONCE):
                    near = open_now.enter_context(socket.socket())
                    near.connect(server.getsockname())
                    far, _ = server.accept()
                    open_now.enter_context(far)
                    met.add(near.getsockname()[1])
    assert not met & chosen


def test_a_service_listens_on_its_chosen_port_at_once() -> None:
    port = free_port()
    assert port_is_free(port)
    with socket.socket() as service:
        service.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        service.bind(("127.0.0.1", port))
        service.listen()
        assert not port_is_free(port)
