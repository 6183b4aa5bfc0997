"""`pw up`: the whole system as child processes of one command, without containers."""

from pw_cli.up.arguments import add_arguments
from pw_cli.up.run import run

__all__ = ["add_arguments", "run"]
