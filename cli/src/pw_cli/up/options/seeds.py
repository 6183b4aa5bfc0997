"""Which markets a data folder has had: a market played again would be stored a second time."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from pw_cli.up.options.arguments import SEED_DEFAULT, UpOptions
from pw_cli.up.options.folder import FolderTaken, written

SEEDS_FILE: Final = "seeds.json"
FILE_BYTES_MAX: Final = 64 * 1024
SEEDS_MAX: Final = 4_096


def with_seed(options: UpOptions, folder: Path) -> tuple[UpOptions, str]:
    """The options with a seed that the folder has not had, and what to say of it.

    The seed is noted later, by `note_seed`: a run that is stopped early has played nothing.

    Raises:
        FolderTaken: the seed that was chosen has been played here, or nothing can be noted.
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
    # Even an empty list is written: without one the folder would pass for an older version's.
    _note(had, options, folder)
    return options, said


def note_seed(options: UpOptions, folder: Path) -> None:
    """The market begins to arrive: from now on its seed counts as used.

    Raises:
        FolderTaken: it cannot be noted.
    """
    if options.source_kind == "market" and options.data is not None:
        _note({*_had(folder), options.seed}, options, folder)


def _note(had: set[int], options: UpOptions, folder: Path) -> None:
    """Written aside first: on a full disk the old list stays."""
    body = msgspec.json.encode(sorted(had)[-SEEDS_MAX:])
    aside = folder / f".{SEEDS_FILE}"
    with written(options.data, folder):
        try:
            aside.write_bytes(body + b"\n")
            aside.replace(folder / SEEDS_FILE)
        except OSError:
            with contextlib.suppress(OSError):
                aside.unlink()
            raise


def _had(folder: Path) -> set[int]:
    try:
        with (folder / SEEDS_FILE).open("rb") as file:
            return set(msgspec.json.decode(file.read(FILE_BYTES_MAX), type=list[int]))
    except FileNotFoundError:
        # A folder of an older version: it most likely had the default seed.
        return {SEED_DEFAULT} if (folder / "nats" / "jetstream").is_dir() else set()
    except (OSError, msgspec.MsgspecError):
        return {SEED_DEFAULT}
