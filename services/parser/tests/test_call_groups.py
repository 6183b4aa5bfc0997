"""Calls that belong to no instruction of their transaction."""

from __future__ import annotations

import pytest

from pw_geyser import geyser_pb2
from pw_parser.core.parse import Malformed, parse


@pytest.mark.corpus
def test_calls_of_an_instruction_that_is_not_there_are_refused_or_read_and_no_fault(
    real_updates: list[bytes],
) -> None:
    read = refused = 0
    for raw in real_updates[:400]:
        update = geyser_pb2.SubscribeUpdate.FromString(raw)
        info = update.transaction.transaction
        if info.meta.HasField("err") or not info.meta.inner_instructions:
            continue
        info.meta.inner_instructions[0].index = len(info.transaction.message.instructions)
        try:
            parse(update.SerializeToString())
            read += 1
        except Malformed:
            refused += 1
    # What stands below no call is read as it stands; no other error leaves.
    assert read + refused > 50
    assert refused
