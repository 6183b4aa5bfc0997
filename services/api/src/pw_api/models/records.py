"""What was stored beside swaps: gaps and dead letters. Fields are only ever added."""

from __future__ import annotations

from pydantic import BaseModel

from pw_api.models.example import example


class GapView(BaseModel):
    """Slots that a source did not give; both ends inclusive. `seq` is its sequence in PW_GAP."""

    model_config = example(
        seq=7,
        time_ms=1_790_000_000_000,
        source="main",
        epoch=1,
        first_missing_slot=350_000_000,
        last_missing_slot=350_000_004,
        why="the source no longer has these slots",
        filled=False,
    )
    seq: int
    time_ms: int
    source: str
    epoch: int
    first_missing_slot: int
    last_missing_slot: int
    why: str
    filled: bool


class GapsView(BaseModel):
    """Gaps, newest first. Ask again with `before_seq=next_before_seq` for older ones."""

    model_config = example(gaps=[], unreadable=0, next_before_seq=None)
    gaps: list[GapView]
    unreadable: int
    next_before_seq: int | None


class DeadLetterView(BaseModel):
    """What could not be read. `position` counts from 0 in its message; null: all of it."""

    model_config = example(
        seq=3,
        time_ms=1_790_000_000_000,
        service="parser",
        reason="transaction without meta",
        origin_stream="PW_TX",
        origin_seq=1234,
        position=5,
        size_bytes=812,
        body_hex=None,
        body_encoding=None,
        body_cut=False,
    )
    seq: int
    time_ms: int
    service: str
    reason: str
    origin_stream: str
    origin_seq: int | None
    position: int | None
    size_bytes: int
    body_hex: str | None = None
    body_encoding: str | None = None
    body_cut: bool = False


class DeadLettersView(BaseModel):
    """Dead letters, newest first. Ask again with `before_seq=next_before_seq` for older ones."""

    model_config = example(dead_letters=[], next_before_seq=None)
    dead_letters: list[DeadLetterView]
    next_before_seq: int | None
