"""Programs by id: names and kinds, which are data, and the few mints that are money.

The table `programs.jsonl` names programs; it decides no trade, except that what runs in a
known non-exchange (lending, stake pools, bridges) is none. A program that is not listed can
trade all the same: its venue is called by its id. Users' own entries extend it at run time
(`extended`), or another table takes its place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from io import BytesIO
from typing import Any, Final, NamedTuple, get_args

from solders.pubkey import Pubkey

from pw_common.documents import programs as users
from pw_common.documents.document import BadDocument, read_json
from pw_common.documents.programs import (
    ANY_INSTRUCTION,
    BadPrograms,
    Kind,
    ProgramEntry,
    ProgramTable,
    read_program,
)

KINDS: Final = frozenset(get_args(Kind))
# A venue holds the other side of a trade; a router or a bot calls venues.
EXCHANGE_KINDS: Final = frozenset({"venue", "router", "bot"})
UNLISTED: Final = users.UNLISTED
# An entry at every bound, with every character of it escaped, has about 4 KiB.
LINE_BYTES_MAX: Final = 16 * 1024
TABLE_ENTRIES_MAX: Final = 10_000


class ProgramFields(NamedTuple):
    """One line of the table.

    `users` maps an instruction's tag (its first bytes in hex, `*` for all others) to the places
    among its accounts where the user stands; a negative place counts from the end. `takes` are
    the beginnings of the instructions that trade, where most manage orders or positions; empty
    where every one may trade.
    `launches` says that new tokens are traded here. `date` is the day of the last check.
    """

    id: str
    name: str
    kind: Kind
    users: Mapping[str, tuple[int, ...]] = {}
    takes: tuple[bytes, ...] = ()
    launches: bool = False
    source: str = ""
    date: str = ""


class Program(ProgramFields):
    """A line of the table, ready for look-ups."""

    @cached_property
    def tag_sizes(self) -> tuple[int, ...]:
        """The lengths of its tags in bytes, longest first; most programs have none or one."""
        sizes = {len(tag) // 2 for tag in self.users if tag != ANY_INSTRUCTION}
        return tuple(sorted(sizes, reverse=True))

    def user_places(self, data: bytes) -> tuple[int, ...]:
        """Where the user stands among an instruction's accounts, by the longest tag that fits."""
        for size in self.tag_sizes:
            places = self.users.get(data[:size].hex())
            if places is not None:
                return places
        return self.users.get(ANY_INSTRUCTION, ())


class Programs(NamedTuple):
    """A table, ready for look-ups. `revision` is the same for the same entries.

    `exchanges` are the ids of venues, routers and bots.
    """

    by_key: dict[bytes, Program]
    revision: str
    exchanges: frozenset[bytes]


def read_programs(table: str | bytes) -> Programs:
    """Read a table: one JSON object a line, empty lines skipped.

    Each is read as an entry from the API is, by the same model and within the same bounds.

    Raises:
        BadPrograms: naming the first line that cannot be used.
    """
    # What is no text is refused with its line, so a lone surrogate must get as far as that.
    body = table.encode("utf-8", "surrogatepass") if isinstance(table, str) else table
    by_key: dict[bytes, Program] = {}
    names: set[str] = set()
    digest = hashlib.sha256()
    # JSON allows the other line ends of Unicode within a string.
    for number, line in enumerate(BytesIO(body), start=1):
        if not line.strip():
            continue
        value, entry = _read_line(number, line)
        key = bytes(Pubkey.from_string(entry.id))
        if key in by_key or entry.name in names:
            raise BadPrograms([f"line {number}: {entry.name} or its id is there twice"])
        if len(by_key) >= TABLE_ENTRIES_MAX:
            raise BadPrograms([f"line {number}: more than {TABLE_ENTRIES_MAX} programs"])
        by_key[key] = _entry(entry, entry.name)
        names.add(entry.name)
        digest.update(json.dumps(value, sort_keys=True).encode() + b"\n")
    exchanges = frozenset(key for key, one in by_key.items() if one.kind in EXCHANGE_KINDS)
    return Programs(by_key, digest.hexdigest()[:16], exchanges)


def _read_line(number: int, line: bytes) -> tuple[Any, ProgramEntry]:
    try:
        value = read_json(line, LINE_BYTES_MAX)
        return value, read_program(value)
    except BadDocument as error:
        raise BadPrograms(f"line {number}: {what}" for what in error.errors) from error


def extended(shipped: Programs, table: ProgramTable) -> Programs:
    """The shipped table with users' entries: each adds a program or takes the place of one.

    A name that the shipped table has for another id, replaced or not, is shown with the beginning
    of the id: by its name alone the program would be read with the other one's layout. The order
    of the entries changes nothing.
    """
    if not table.entries:
        return shipped
    by_key = dict(shipped.by_key)
    own = {bytes(Pubkey.from_string(entry.id)): entry for entry in table.entries}
    shipped_at = {program.name: key for key, program in by_key.items()}
    used: set[str] = set()
    digest = hashlib.sha256(shipped.revision.encode())
    for key, entry in sorted(own.items()):
        by_key[key] = _entry(entry, _own_name(entry, key, shipped_at, used))
        used.add(by_key[key].name)
        digest.update(json.dumps(by_key[key]._asdict(), sort_keys=True, default=bytes.hex).encode())
    exchanges = frozenset(key for key, one in by_key.items() if one.kind in EXCHANGE_KINDS)
    return Programs(by_key, digest.hexdigest()[:16], exchanges)


def _own_name(
    entry: ProgramEntry, key: bytes, shipped_at: Mapping[str, bytes], used: set[str]
) -> str:
    """Its name, with as much of its id as tells it from the others."""
    names = (entry.name, *(f"{entry.name}:{entry.id[:n]}" for n in range(4, len(entry.id) + 1)))
    return next(name for name in names if shipped_at.get(name, key) == key and name not in used)


def _entry(entry: ProgramEntry, name: str) -> Program:
    return Program(
        id=entry.id,
        name=name,
        kind=entry.kind,
        users=entry.users,
        takes=tuple(map(bytes.fromhex, entry.takes)),
        launches=entry.launches,
        source=entry.source,
        date=entry.date,
    )


BUILT_IN: Final = read_programs(
    files("pw_parser.core").joinpath("programs.jsonl").read_text(encoding="utf-8")
)
EXCHANGES: Final[dict[bytes, Program]] = {key: BUILT_IN.by_key[key] for key in BUILT_IN.exchanges}

# https://docs.jito.wtf, "Tip accounts".
_JITO_TIP_ACCOUNTS: Final = (
    "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5",
    "HFqU5x63VTqvQss8hp11i4wVV8bD44PvwucfZ2bU7gRe",
    "Cw8CFyM9FkoMi7K7Crf6HNQqf4uEMzpKw6QNghXLvLkY",
    "ADaUMid9yfUytqMBgopwjb2DTLSokTSzL1zt6iGPaS49",
    "DfXygSm4jCyNCybVYYK6DwvWqjKee8pbDmJGcLWNDXjh",
    "ADuUkR4vqLUMWXxW9gh6D6L8pMSawimctcNZ5pGwDcEt",
    "DttWaMuVvTiduZRnguLF7jNxTgiMBZ1hyAumKUiL2KRL",
    "3AVi9Tg9Uo68tJfuvoKvqKNWKkC5wPdSSdeBnizKZ6jT",
)


def _raw(address: str) -> bytes:
    return bytes(Pubkey.from_string(address))


TIP_ACCOUNTS: Final[frozenset[bytes]] = frozenset(_raw(a) for a in _JITO_TIP_ACCOUNTS)

SYSTEM_PROGRAM: Final = bytes(32)
SPL_2022: Final = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"
SPL_2022_KEY: Final = _raw(SPL_2022)
TOKEN_PROGRAMS: Final[frozenset[bytes]] = frozenset(
    {_raw("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"), SPL_2022_KEY}
)

SOL_MINT: Final = "So11111111111111111111111111111111111111112"
SOL_DECIMALS: Final = 9
USDC_MINT: Final = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
USDT_MINT: Final = "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"
USD1_MINT: Final = "USD1ttGY1N17NEEHLmELoaybftRBUSErhqYiQzvEmuB"

# In order of preference where a trader's trade could be read in several.
STABLE_MINTS: Final = (USDC_MINT, USDT_MINT, USD1_MINT)
QUOTE_MINTS: Final = frozenset({SOL_MINT, *STABLE_MINTS})
# Other dollars: traded like tokens against a quote, but money where a token is bought with them.
DOLLAR_MINTS: Final = (
    "USDSwr9ApdHk5bvJKMjzff41FfuX8bSxdKcR81vTwcA",  # USDS
    "2u1tszSeqZ3qBWF3uNGPFc8TzMk2tdiwknnRMWGWjGWH",  # USDG
    "JuprjznTrTSp2UFa3ZBUFgwdAmtZCq4MQCwysN55USD",  # JupUSD
    "USDH1SM1ojwWUga67PGrgFWUHibbjqMvuMaDkRJTgkX",  # USDH
    "CASHx9KJUStyftLFWGvEVf59SGeG9sh5FfcnZMVPCASH",  # CASH
    "2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo",  # PYUSD
)
DOLLARS: Final = frozenset(DOLLAR_MINTS)
