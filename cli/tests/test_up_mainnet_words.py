"""A run on mainnet with the bundled broker says what that broker is for; other runs do not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from pw_cli.up.options.access import Access
from pw_cli.up.processes.system import System
from pw_cli.up.screen.progress import Progress
from pw_cli.up.screen.screen import Screen
from pw_common.dev.local_broker import Binary


class Said(Screen):
    """Keeps what is shown."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.live = False

    def line(self, text: str) -> None:
        self.lines.append(text)


def started(*, endpoint: str | None, bundled: bool | None) -> str:
    binary = Binary("/usr/bin/nats-server", "2.15.1", bundled=bool(bundled))
    options = SimpleNamespace(endpoint=endpoint, rpc=None, data=Path("d"), seed=1, captures=(),
                              source_kind="endpoint" if endpoint else "market")  # fmt: skip
    system = SimpleNamespace(
        api="http://127.0.0.1:1", options=options, nats_url="nats://127.0.0.1:2",
        access=Access(), plays=endpoint is None,
        broker=None if bundled is None else SimpleNamespace(binary=binary),
    )  # fmt: skip
    said = Said()
    Progress(cast("System", system), as_json=False, screen=said).started()
    return "\n".join(said.lines)


def test_a_mainnet_run_on_the_bundled_broker_says_what_it_is_for() -> None:
    text = started(endpoint="https://h.example:443", bundled=True)
    assert "bundled nats-server 2.15.1" in text
    assert "PW_NATS_URL" in text


@pytest.mark.parametrize(
    ("endpoint", "bundled"),
    [("https://h.example:443", False), ("https://h.example:443", None), (None, True)],
)
def test_a_demo_and_a_broker_of_ones_own_need_no_such_words(
    endpoint: str | None, bundled: bool | None
) -> None:
    assert "bundled" not in started(endpoint=endpoint, bundled=bundled)
