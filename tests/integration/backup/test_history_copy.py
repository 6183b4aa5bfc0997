"""History's copy in a backup: whole, or an end that says why."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from nats.aio.msg import Msg

from pw_cli.backup import history_copy
from pw_common.jetstream.parts import EndedEarly
from pw_common.jetstream.requests import answer_questions
from pw_common.topology.subjects import BACKUP_HISTORY
from pw_common.wire.history import CopyHead
from support.broker import provisioned


@pytest.mark.timeout(120)
async def test_a_history_that_dies_while_it_gives_its_copy_ends_the_backup_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_copy, "NEXT_PART_S", 1.0, raising=False)
    async with provisioned(tmp_path / "broker") as (_, bus):

        async def half(message: Msg) -> None:
            for part in (msgspec.json.encode(CopyHead(size_bytes=9)), b"abc"):
                await bus.client.request(message.reply, part, timeout=5)

        end = await answer_questions(bus, BACKUP_HISTORY, "history", half)
        with pytest.raises(EndedEarly, match="did not go on with its copy: is it running"):
            await history_copy.copy_history(bus, tmp_path, lambda _: lambda _: None)
        await end()
