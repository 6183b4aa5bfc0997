"""`pw prove ALERT --rpc URL`, and `pw prove --check FILE --rpc URL`: an alert from the chain."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from pw_cli.audit.proof.proof_again import Again, derive_again, proof_of
from pw_cli.audit.proof.proof_basis import Basis, NoBasis, basis_of
from pw_cli.audit.proof.proof_beyond import apart, not_derived
from pw_cli.audit.proof.proof_check import checked_of, name_of
from pw_cli.audit.proof.proof_fields import surplus_of
from pw_cli.audit.proof.proof_reach import rests_on_more
from pw_cli.audit.proof.proof_words import lines_of, made_by
from pw_cli.history.history_chain import Broken
from pw_cli.history.history_node import BadNode, check_node, history_node, rate_of, say_for
from pw_cli.history.history_progress import Progress
from pw_common.documents.document import BadDocument
from pw_common.documents.proofs import AlertProof, decode_proof
from pw_common.jetstream.bus import Bus
from pw_common.process.exit_codes import EXIT_OK, EXIT_UNAVAILABLE
from pw_common.text.plain_text import SENTENCE_CHARS_MAX, plain_json, plain_text
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import encode
from pw_rpc.node import NodeFailed

EXIT_NOT_SAME: Final = 1
EXIT_UNREADABLE: Final = 2
PROOF_BYTES_MAX: Final = 64 * 1024 * 1024
BLOCKS_MAX: Final = 100_000
SHOWN_MAX: Final = 5
# The names of all metrics, and of all conditions that a rule may have.
LINE_CHARS_MAX: Final = 8 * SENTENCE_CHARS_MAX


async def prove(bus: Bus, args: argparse.Namespace, alert: Alert, stored: list[Alert]) -> int:
    """Derive a stored alert from a node, and write the proof."""
    say = say_for("prove")
    try:
        basis = await basis_of(bus, alert, stored, args.minutes)
        again = await _derived(args, basis)
        if again is None:
            return EXIT_NOT_SAME
        if again.alert is None:
            _answer(args, f"not derived: {name_of(alert)}")
            return EXIT_NOT_SAME
        wrong, beyond = apart(alert, again.alert, again.reach)
        if wrong:
            _answer(args, f"{name_of(alert)}: another {', '.join(wrong)} than stored")
            return EXIT_NOT_SAME
        _write(args.out, proof_of(basis, again, beyond))
    except (NoBasis, BadNode) as error:
        say(str(error))
        return EXIT_UNREADABLE
    except NodeFailed as error:
        say(str(error))
        return EXIT_UNAVAILABLE
    but = ", ".join(not_derived(alert, again.alert, beyond))
    but = f"; beyond these blocks, so not derived: {but}" if but else ""
    _answer(args, f"same: {name_of(alert)}, from {len(again.blocks)} blocks of the node{but}")
    if more := rests_on_more(basis.rule, again.alert, again.reach):
        say(f"a check of it will not bear out {', '.join(more)}: blocks before these decide on it")
    return EXIT_OK


def check(args: argparse.Namespace) -> int:
    """0 what the file says is so, 1 it is not, 2 no such file or no proof, 69 node away."""
    say = say_for("prove")
    try:
        check_node(args)
        proof = _read(args.check)
        return asyncio.run(_check(args, proof))
    except BadDocument as error:
        say(f"{args.check}: {error.errors[0]}")
    except (NoBasis, BadNode) as error:
        say(str(error))
    except NodeFailed as error:
        say(str(error))
        return EXIT_UNAVAILABLE
    except OSError as error:
        say(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    return EXIT_UNREADABLE


def _read(path: Path) -> AlertProof:
    with path.open("rb") as file:
        body = file.read(PROOF_BYTES_MAX + 1)
    if len(body) > PROOF_BYTES_MAX:
        raise NoBasis(f"{path}: over {PROOF_BYTES_MAX >> 20} MiB")
    try:
        proof = decode_proof(body)
        surplus = surplus_of(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise NoBasis(
            f"{path} is not a proof of an alert: {plain_text(str(error), SENTENCE_CHARS_MAX)}"
        ) from error
    if surplus:
        raise NoBasis(
            f"{path} says more than a proof does: "
            f"{plain_text('; '.join(surplus), SENTENCE_CHARS_MAX)}"
        )
    if (
        not 0 < proof.last_slot - proof.first_slot < BLOCKS_MAX
        or proof.last_slot != proof.alert.slot
    ):
        raise NoBasis(f"{path}: its slots {proof.first_slot} to {proof.last_slot} cannot be")
    if proof.rule.name != proof.alert.trigger:
        raise NoBasis(f"{path}: its rule is another than its alert's")
    return proof


async def _check(args: argparse.Namespace, proof: AlertProof) -> int:
    basis = Basis(
        proof.alert,
        proof.rule,
        proof.first_slot,
        proof.begins,
        proof.own_programs,
        proof.own_lists,
        proof.earlier,
    )
    again = await _derived(args, basis)
    if again is None:
        return EXIT_NOT_SAME
    checked = checked_of(proof, basis, again)
    if args.json:
        sys.stdout.write(f"{plain_json(encode(checked)).decode()}\n")
    elif checked.differences:
        _show(checked.differences[:SHOWN_MAX])
    else:
        _show(lines_of(checked, proof, again.reach))
    if checked.differences and checked.parser != checked.checked_by:
        say_for("prove")(made_by(checked))
    return EXIT_OK if checked.checked else EXIT_NOT_SAME


def _show(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{plain_text(line, LINE_CHARS_MAX)}\n")


async def _derived(args: argparse.Namespace, basis: Basis) -> Again | None:
    """What the node's blocks give; None where the chain cannot be shown to be whole."""
    count = basis.alert.slot - basis.first_slot + 1
    rate = rate_of(args)
    with Progress("prove") as shown:
        shown.total(count)
        shown.say(
            f"asks for the blocks of {count} slots, {basis.first_slot} to {basis.alert.slot}: "
            f"about {count / rate / 60:.1f} minutes at {rate:g} a second"
        )
        async with history_node(args, shown.say) as rpc:
            try:
                return await derive_again(
                    rpc,
                    basis,
                    say=shown.say,
                    at=lambda done, slot: shown.at(done, f"slot {slot}"),
                )
            except Broken as error:
                shown.say(f"the chain is not shown to be whole: {error}")
                return None


def _write(out: Path | None, proof: AlertProof) -> None:
    body = encode(proof)
    if out is None:
        sys.stdout.buffer.write(body + b"\n")
        sys.stdout.buffer.flush()
        return
    out.write_bytes(body + b"\n")


def _answer(args: argparse.Namespace, line: str) -> None:
    # Without a file the proof has stdout to itself.
    stream = sys.stdout if args.out is not None else sys.stderr
    stream.write(f"{plain_text(line, SENTENCE_CHARS_MAX)}\n")
