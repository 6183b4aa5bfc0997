"""Which markets a data folder has had: one that was played would be stored a second time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from pw_cli.up.arguments import SEED_DEFAULT, UpOptions
from pw_cli.up.folder import FolderTaken

SEEDS_FILE: Final = "seeds.json"
FILE_BYTES_MAX: Final = 64 * 1024
SEEDS_MAX: Final = 4_096


def with_seed(options: UpOptions, folder: Path) -> tuple[UpOptions, str]:
    """The options with a seed that the folder has not had, noted there; and what to say of it.

    Raises:
        FolderTaken: the seed that was chosen has been played here.
    """
    if options.source_kind != "market" or options.data is None:
        return options, ""
    had = _had(folder)
    said = ""
    if options.seed in had:
        if options.seed_given:
            raise FolderTaken(
                f"--seed {options.seed}: --data {options.data} has had this market, and would "
                "store its trades a second time; choose another seed or folder"
            )
        options = replace(options, seed=max(had) + 1)
        said = f"--data {options.data} has had the market before: playing seed {options.seed}"
    body = msgspec.json.encode(sorted({*had, options.seed})[-SEEDS_MAX:])
    (folder / SEEDS_FILE).write_bytes(body + b"\n")
    return options, said


def _had(folder: Path) -> set[int]:
    try:
        with (folder / SEEDS_FILE).open("rb") as file:
            return set(msgspec.json.decode(file.read(FILE_BYTES_MAX), type=list[int]))
    except FileNotFoundError:
        # A folder of an older version: what it had was most likely the default.
        return {SEED_DEFAULT} if (folder / "nats" / "jetstream").is_dir() else set()
    except (OSError, msgspec.MsgspecError):
        return {SEED_DEFAULT}
