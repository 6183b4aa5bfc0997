"""The arguments that choose a generated market, for each command that makes one."""

from __future__ import annotations

import argparse

from pw_replay.market import presets


def add_market_arguments(parser: argparse._ActionsContainer, *, default: str) -> None:
    """Declare `--preset` and `--failures`."""
    parser.add_argument(
        "--preset",
        choices=presets.PRESETS,
        default=default,
        help="demo: varied, and a named token is quietly bought from the first seconds on; varied: "
        "what a block of today holds; dense: mostly trades (default: %(default)s)",
    )
    parser.add_argument(
        "--failures",
        type=_share,
        default=presets.FAILURES_DEFAULT,
        metavar="SHARE",
        help="what fails in a varied market, votes apart: "
        f"{presets.FAILURES_MIN} to {presets.FAILURES_MAX} (default: %(default)s)",
    )


def _share(text: str) -> float:
    share = float(text)
    if not presets.FAILURES_MIN <= share <= presets.FAILURES_MAX:
        raise argparse.ArgumentTypeError(
            f"{text} is not between {presets.FAILURES_MIN} and {presets.FAILURES_MAX}"
        )
    return share
