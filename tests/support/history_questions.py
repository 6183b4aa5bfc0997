"""Questions to history's Parquet, as a command line asks them, and slots to write there."""

from __future__ import annotations

import argparse

from pw_cli.commands.captures.history import add_arguments, run
from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.wire.messages import Swap


def slot(number: int, *, mint: str = "m", amount_raw: int = 5) -> ClosedSlot:
    swap = Swap(
        signature=f"s{number}", ordinal=0, slot=number, index=1, trader="t", side="buy", mint=mint,
        base_amount_raw=amount_raw, base_decimals=6, quote_mint=None, quote_amount_raw=None,
        quote_decimals=None, venues=("v", "w"),
    )  # fmt: skip
    return ClosedSlot(number, number * 400, number == 1, (swap,))


def pw(*words: str) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args(["query", *words]))
