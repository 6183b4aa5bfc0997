"""Programs that trade and are in no table, as the API shows them."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel

from pw_api.models.example import example

PROGRAM: Final = "ExA6GYhHAeRNMWVNLrDir1SKPJZcZA2oaPq6uriSmxfJ"


class UnlistedProgramView(BaseModel):
    """One program. `share` is 0..1 of all swaps; `noticed_slot` is where its notice was given."""

    model_config = example(
        program=PROGRAM,
        swaps=912,
        share=0.0121,
        first_slot=350_000_123,
        signatures=["5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnb"],
        noticed_slot=None,
    )
    program: str
    swaps: int
    share: float
    first_slot: int
    signatures: list[str]
    noticed_slot: int | None


class UnlistedView(BaseModel):
    """The last two hours: all swaps, those through unlisted programs, and who trades most.

    A swap through two of them counts for both, and once in `unlisted_swaps`. `left_out` counts
    passages through more programs than are noted in ten minutes. `share` is null without swaps.
    """

    model_config = example(
        since_ms=1_790_000_000_000,
        event_time_ms=1_790_007_000_000,
        swaps=75_400,
        unlisted_swaps=912,
        share=0.0121,
        left_out=0,
        programs=1,
        shown=[],
    )
    since_ms: int
    event_time_ms: int
    swaps: int
    unlisted_swaps: int
    share: float | None
    left_out: int
    programs: int
    shown: list[UnlistedProgramView]
