"""Whom to look for and whom to leave out: watch lists with labels, and mutes.

Every way in (API, file, CSV) is read here, and so is what is stored: one set of bounds.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal, TypeAlias, TypeVar

import msgspec

from pw_common.documents.document import (
    ERRORS_MAX,
    BadDocument,
    at_path,
    decode,
    line_problem,
    read_yaml,
    ready,
    unknown_fields,
)
from pw_common.text.base58 import is_address

# Stored as one value of at most a mebibyte, 32 times: this many fit with labels of full length.
WATCHED_MAX: Final = 5_000
MUTES_MAX: Final = 2_000
WATCHLISTS_BYTES_MAX: Final = 1_000_000
MUTES_BYTES_MAX: Final = 400_000
CSV_BYTES_MAX: Final = 1_000_000
LABEL_CHARACTERS_MAX: Final = 64
TIME_MAX_MS: Final = 2**53
SHIPPED_BYTES_MAX: Final = 64 * 1024
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
    """A token that never fires an alert, or a wallet whose trades do not count.

    `until_ms` is event time, of a token only, since windows remember wallets; null is for good.
    `reason` is shown wherever it takes effect. `muted` false takes a shipped mute away.
    """

    address: str
    of: Literal["wallet", "token"]
    reason: str = ""
    until_ms: int | None = None
    muted: bool | msgspec.UnsetType = msgspec.UNSET


class Mutes(msgspec.Struct, frozen=True, kw_only=True):
    """The user's mutes; the shipped ones lie below them (`effective_mutes`)."""

    entries: tuple[Mute, ...] = ()


ready(WatchLists, Mutes)


E = TypeVar("E", Watched, Mute)


class BadList(BadDocument):
    """A list that cannot be used; `errors` names each entry or line."""


@cache
def shipped_mutes() -> Mutes:
    """Infrastructure that is muted until somebody decides otherwise, entry by entry."""
    body = files("pw_detection").joinpath("infrastructure.yaml").read_bytes()
    return read_mutes(read_yaml(body, SHIPPED_BYTES_MAX))


def effective_mutes(own: Mutes) -> Mutes:
    """The user's mutes over the shipped ones: an entry replaces a shipped one of the same address.

    A mute that ends does not: the shipped one would be gone with it, and nobody removed that.
    """
    by_key = {(one.of, one.address): one for one in shipped_mutes().entries}
    for one in own.entries:
        if one.until_ms is None or one.muted is False or (one.of, one.address) not in by_key:
            by_key[one.of, one.address] = one
    return Mutes(entries=tuple(one for one in by_key.values() if one.muted is not False))


def read_watchlists(entries: Any) -> WatchLists:
    """Watch lists from the value of `entries`. Raises BadList, naming what is wrong."""
    return WatchLists(entries=_entries(entries, Watched, WATCHED_MAX))


def read_mutes(entries: Any) -> Mutes:
    """Mutes from the value of `entries`. Raises BadList, naming what is wrong."""
    return Mutes(entries=_entries(entries, Mute, MUTES_MAX))


def stored_watchlists(body: bytes) -> WatchLists:
    """What is stored, if it can be used. Raises BadDocument.

    An entry without a valid address, or a repeated one, has never done harm: an earlier version
    let them in.
    """
    found = decode(body, WatchLists)
    _refuse([error for at, one in enumerate(found.entries) for error in _texts(at, one)])
    return found


def stored_mutes(body: bytes) -> Mutes:
    """As `stored_watchlists`; wallets muted for a time, which never had an effect, are left out."""
    found = decode(body, Mutes)
    _refuse([error for at, one in enumerate(found.entries) for error in _texts(at, one)])
    lasting = tuple(one for one in found.entries if not _ends_in_vain(one))
    return msgspec.structs.replace(found, entries=lasting)


def read_csv(text: str, of: Of = "wallet") -> tuple[Watched, ...]:
    """`address,label` lines; a header and empty lines are allowed.

    Raises:
        BadList: naming every line that is wrong or comes twice.
    """
    if len(text) > CSV_BYTES_MAX:
        raise BadList([f"over {CSV_BYTES_MAX} bytes; allowed: at most that"])
    if not text:
        # Nothing was sent, or the file is not written yet: a list without entries has its header.
        raise BadList(["empty; allowed: lines of `address,label`"])
    errors: list[str] = []
    found: dict[str, Watched] = {}
    rows = csv.reader(io.StringIO(text))
    try:
        for number, row in enumerate(rows, start=1):
            cells = [cell.strip() for cell in row]
            if not any(cells) or (number == 1 and cells[0].lower() == "address"):
                continue
            address, label = cells[0], cells[1] if len(cells) > 1 else ""
            if not is_address(address):
                errors.append(f"line {number}: {address[:50]!a} is not a base58 address")
            elif why := line_problem(label, LABEL_CHARACTERS_MAX):
                errors.append(f"line {number}: label: {why}")
            elif address in found:
                errors.append(f"line {number}: {address} is there already")
            else:
                found[address] = Watched(address=address, of=of, label=label)
    except csv.Error as error:
        errors.append(f"line {rows.line_num}: not CSV: {error}")
    if len(found) > WATCHED_MAX:
        errors.append(f"{len(found)} entries; allowed: at most {WATCHED_MAX}")
    if errors:
        raise BadList(errors)
    return tuple(found.values())


def _entries(value: Any, type_: type[E], count_max: int) -> tuple[E, ...]:
    if not isinstance(value, list):
        raise BadList(["entries: allowed: a list"])
    if len(value) > count_max:
        raise BadList([f"entries: {len(value)}; allowed: at most {count_max}"])
    errors: list[str] = []
    found: dict[tuple[str, str], E] = {}
    for at, one in enumerate(value):
        where = f"entries[{at}]"
        errors += unknown_fields(one, type_, f"{where}.")
        try:
            entry = msgspec.convert(one, type_)
        except msgspec.ValidationError as error:
            errors.append(at_path(error, type_, f"{where}."))
        else:
            errors += _texts(at, entry)
            if isinstance(entry, Mute) and _ends_in_vain(entry):
                errors.append(f"{where}.until_ms: a wallet is muted for good; allowed: null")
            if not is_address(entry.address):
                errors.append(f"{where}.address: allowed: the base58 address of a 32-byte key")
            elif (entry.of, entry.address) in found:
                errors.append(f"{where}.address: {entry.address} is there already")
            found[entry.of, entry.address] = entry
        if len(errors) >= ERRORS_MAX:
            break
    _refuse(errors)
    return tuple(found.values())


def _ends_in_vain(mute: Mute) -> bool:
    return mute.of == "wallet" and mute.until_ms is not None


def _texts(at: int, entry: Watched | Mute) -> list[str]:
    """What would do harm wherever it is shown."""
    name = "label" if isinstance(entry, Watched) else "reason"
    errors = []
    if why := line_problem(getattr(entry, name), LABEL_CHARACTERS_MAX):
        errors.append(f"entries[{at}].{name}: {why}")
    until_ms = entry.until_ms if isinstance(entry, Mute) else None
    if until_ms is not None and not 0 <= until_ms <= TIME_MAX_MS:
        errors.append(f"entries[{at}].until_ms: allowed: 0 to {TIME_MAX_MS}")
    return errors


def _refuse(errors: Sequence[str]) -> None:
    if errors:
        raise BadList(errors)


class Lists:
    """Lists in the form in which the detector looks things up."""

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
