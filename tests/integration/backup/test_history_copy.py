"""History's copy in a backup: whole, or an end that says why."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from nats.aio.msg import Msg

from pw_cli.backup import history_copy
from pw_cli.backup.manifest import read
from pw_common.jetstream.parts import EndedEarly, refuse
from pw_common.jetstream.requests import answer_questions
from pw_common.topology.subjects import BACKUP_HISTORY
from pw_common.wire.history import CopyHead
from support.broker import provisioned
from support.command import pw


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


async def test_a_history_that_cannot_be_copied_keeps_nothing_else_from_it(tmp_path: Path) -> None:
    async with provisioned(tmp_path / "broker") as (broker, bus):

        async def refused(message: Msg) -> None:
            await refuse(bus, message.reply, "history could not copy its file", timeout_s=5)

        end = await answer_questions(bus, BACKUP_HISTORY, "history", refused)
        folder = tmp_path / "copy"
        answer = await pw("backup", str(folder), PW_NATS_URL=broker.url)
        assert answer.code == 1
        assert "could not copy its file (--without-history leaves it out)" in answer.err
        folder = tmp_path / "another"
        answer = await pw("backup", str(folder), "--without-history", PW_NATS_URL=broker.url)
        assert answer.code == 0, answer
        assert "history was left out" in answer.out
        assert read(folder).history is None
        await end()
