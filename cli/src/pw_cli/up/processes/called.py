"""How a person calls `pw` here, as it was called for this run."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

NAME: Final = "pw"


def pw_command() -> str:
    """What to type for `pw`: as short as it works from where this run was started."""
    called = sys.argv[0]
    if Path(called).name != NAME:
        # Started as a module: the command lies beside the interpreter.
        called = str(Path(sys.executable).with_name(NAME))
    return NAME if shutil.which(NAME) == called else shlex.quote(called)
