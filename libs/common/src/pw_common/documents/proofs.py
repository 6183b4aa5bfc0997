"""`alert.proof.v1`: what an alert rests on, so that another person can derive it from the chain.

It names the blocks by slot and hash, and what this release read in them. Who checks it fetches the
same blocks from a node of their own, reads them with their own copy of the parser and the
detector, and compares. Nothing in it depends on who made it, when, or with which node.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from pw_common.documents.programs import ProgramEntry
from pw_common.wire.alerts import Alert, Severity

SCHEMA_PROOF: Final = "alert.proof.v1"


class ProvenBlock(msgspec.Struct, frozen=True, kw_only=True):
    """One block: its links in the chain, and the swaps that are read in it.

    `digest` is sha-256 (hex) over the canonical bodies of its swaps, sorted, one a line; empty
    where it has none.
    """

    slot: int
    parent: int
    blockhash: str
    swaps: int = 0
    digest: str = ""


class ProvenRule(msgspec.Struct, frozen=True, kw_only=True):
    """The rule that fired, as it stood then. Revision 0 is the shipped one."""

    name: str
    revision: int
    conditions: tuple[str, ...]
    gates: tuple[str, ...] = ()
    severity: Severity = "warning"
    cooldown_s: int = 900
    escalate_factor: float = 2.0


class ProvenAddress(msgspec.Struct, frozen=True, kw_only=True):
    """An address of somebody's lists that the alert's numbers depend on."""

    address: str
    list: Literal["muted", "unmuted", "wallet", "creator", "token"]


class AlertProof(msgspec.Struct, frozen=True, kw_only=True, tag=SCHEMA_PROOF):
    """An alert, and everything that is needed to derive it again.

    `begins` says why the blocks begin where they do: `stored`, since the stream did, or
    `lookback`, since nothing that the rule looks at is older. `earlier` are the alerts that the
    rule gave for the token before them. `beyond` names the fields of the alert that rest on more
    than these blocks, this rule and these lists; they were not derived again.
    """

    alert: Alert
    rule: ProvenRule
    first_slot: int
    last_slot: int
    begins: Literal["stored", "lookback"]
    parser: str
    programs: str
    blocks: tuple[ProvenBlock, ...]
    mint_swaps: int
    mint_digest: str
    own_programs: tuple[ProgramEntry, ...] = ()
    own_lists: tuple[ProvenAddress, ...] = ()
    earlier: tuple[Alert, ...] = ()
    beyond: tuple[str, ...] = ()


_decoder = msgspec.json.Decoder(AlertProof)


def decode_proof(body: bytes) -> AlertProof:
    """Raises msgspec.MsgspecError for anything but an `alert.proof.v1`."""
    try:
        return _decoder.decode(body)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(f"{type(error).__name__}: {error}") from error
