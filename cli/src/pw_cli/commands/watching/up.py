"""`pw up`: the whole system on this machine."""

from __future__ import annotations

from pw_cli.up.run import add_arguments, run

__all__ = ["add_arguments", "run"]
