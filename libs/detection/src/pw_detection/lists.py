"""Whom to look for and whom to leave out: watch lists with labels, and mutes."""

from __future__ import annotations

import csv
import io
import re
from importlib.resources import files
from typing import Final, Literal, TypeAlias

import msgspec
import yaml

ADDRESS: Final = re.compile(r"^[1-9A-HJ-NP-Za-km-z]{32,44}$")
ENTRIES_MAX: Final = 50_000
LABEL_CHARACTERS_MAX: Final = 64
Of: TypeAlias = Literal["wallet", "creator", "token"]


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """One watched address."""

    address: str
    of: Of = "wallet"
    label: str = ""


class WatchLists(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is watched."""

    entries: tuple[Watched, ...] = ()


class Mute(msgspec.Struct, frozen=True, kw_only=True):
    """A token that never rings, or a wallet whose trades do not count.

    `until_ms` is event time; null is for good. `reason` is shown wherever it takes effect.
    """

    address: str
    of: Literal["wallet", "token"]
    reason: str = ""
    until_ms: int | None = None


class Mutes(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is muted."""

    entries: tuple[Mute, ...] = ()


def shipped_mutes() -> Mutes:
    """Infrastructure that is muted until somebody decides otherwise."""
    text = files("pw_detection").joinpath("infrastructure.yaml").read_text(encoding="utf-8")
    return Mutes(entries=msgspec.convert(yaml.safe_load(text), tuple[Mute, ...]))


class BadList(ValueError):
    """A list that cannot be used; `errors` names each line."""

    def __init__(self, errors: list[str]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(errors))


def read_csv(text: str, of: Of = "wallet") -> tuple[Watched, ...]:
    """`address,label` lines; a header and empty lines are allowed.

    Raises:
        BadList: naming every line that is wrong or comes twice.
    """
    errors: list[str] = []
    found: dict[str, Watched] = {}
    for number, row in enumerate(csv.reader(io.StringIO(text)), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 1 and cells[0].lower() == "address"):
            continue
        address, label = cells[0], cells[1] if len(cells) > 1 else ""
        if not ADDRESS.match(address):
            errors.append(f"line {number}: {address[:50]!r} is not a base58 address")
        elif len(label) > LABEL_CHARACTERS_MAX:
            errors.append(f"line {number}: a label of over {LABEL_CHARACTERS_MAX} characters")
        elif address in found:
            errors.append(f"line {number}: {address} is there already")
        else:
            found[address] = Watched(address=address, of=of, label=label)
    if len(found) > ENTRIES_MAX:
        errors.append(f"{len(found)} entries; allowed: at most {ENTRIES_MAX}")
    if errors:
        raise BadList(errors)
    return tuple(found.values())


class Lists:
    """Lists as the detector looks things up in them."""

    def __init__(self, watched: WatchLists | None = None, mutes: Mutes | None = None) -> None:
        self.labels: dict[Of, dict[str, str]] = {"wallet": {}, "creator": {}, "token": {}}
        for entry in (watched or WatchLists()).entries:
            self.labels[entry.of][entry.address] = entry.label or entry.of
        self._mutes = {(mute.of, mute.address): mute for mute in (mutes or Mutes()).entries}

    @property
    def muted_wallets(self) -> frozenset[str]:
        """Wallets muted for good; a snooze is for tokens only, since windows remember."""
        return frozenset(
            address
            for (of, address), mute in self._mutes.items()
            if of == "wallet" and mute.until_ms is None
        )

    def muted_token(self, mint: str, event_time_ms: int) -> Mute | None:
        """The mute of a token that is in force now."""
        mute = self._mutes.get(("token", mint))
        if mute is None or (mute.until_ms is not None and event_time_ms >= mute.until_ms):
            return None
        return mute
