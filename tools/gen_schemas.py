"""Write `schemas/`: of every wire type a JSON Schema and an example, of documents a schema.

`--check` fails on drift. Schemas follow the messages. Examples only ever grow in number: one that
is there is never rewritten, because it stands for bodies that are stored somewhere.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec
from document_schemas import DIALECT, document_schemas

from pw_common.documents import mint_facts, proofs
from pw_common.wire import alerts, heartbeat, messages, pools

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "schemas"
EXAMPLES = SCHEMAS / "examples"
DOCUMENTS = SCHEMAS / "documents"

MINT = "So11111111111111111111111111111111111111112"
TRADER = "11111111111111111111111111111112"
SIGNATURE = "1" * 64
CONDITION = "buy_count_5m >= 20"


def wire_types() -> dict[str, type[msgspec.Struct]]:
    """Every tagged struct of the wire's messages by tag (`swap.v1`), an alert, a proof, facts."""
    found = {}
    others = (alerts.Alert, proofs.AlertProof, mint_facts.KeptFacts)
    for value in (*vars(messages).values(), *others):
        if isinstance(value, type) and issubclass(value, msgspec.Struct):
            tag = value.__struct_config__.tag
            if isinstance(tag, str):
                found[tag] = value
    return dict(sorted(found.items()))


def schema_text(kind: type[msgspec.Struct]) -> str:
    """The JSON Schema of one type, as it is stored."""
    return text_of({"$schema": DIALECT, **msgspec.json.schema(kind)})


def text_of(schema: dict[str, Any]) -> str:
    """A schema as it is stored."""
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def first_examples() -> dict[str, msgspec.Struct]:
    """One plausible message of each type, made up, for a type that has no example yet."""
    place: dict[str, Any] = {"signature": SIGNATURE, "ordinal": 0, "slot": 254_170_887, "index": 7}
    swap = messages.Swap(
        **place,
        trader=TRADER,
        side="buy",
        mint=SIGNATURE[:44],
        base_amount_raw=1_250_000_000,
        base_decimals=6,
        quote_mint=MINT,
        quote_amount_raw=500_000_000,
        quote_decimals=9,
        venues=("pump_amm",),
        fee_payer=TRADER,
        signers=(TRADER,),
    )
    slot = messages.SlotEvent(slot=254_170_887, parent=254_170_886, block_time_s=1_710_000_000)
    origin: dict[str, Any] = {"source": "main", "epoch": 1}
    made: tuple[msgspec.Struct, ...] = (
        swap,
        slot,
        messages.RoundTrip(**place, trader=TRADER, quote_mint=MINT, quote_change_raw=-5_000),
        messages.TokenCreated(
            **place, mint=SIGNATURE[:44], name="Example", symbol="EX", creator=TRADER
        ),
        messages.Transfer(**place, source=TRADER, destination=SIGNATURE[:44], lamports=10**9),
        messages.QuoteTrade(
            **place, sol_amount_raw=10**9, usd_mint=SIGNATURE[:44], usd_amount_raw=180_000_000
        ),
        pools.PoolEvent(
            **place,
            what="trade",
            venue="pumpswap",
            pool=TRADER,
            mint_a=SIGNATURE[:44],
            mint_b=MINT,
            amount_a_raw=1_250_000_000,
            amount_b_raw=500_000_000,
            reserve_a_raw=206_900_000_000_000,
            reserve_b_raw=85_000_000_000,
        ),
        messages.Batch(
            **origin,
            tx_stream_created="2026-01-01T00:00:00Z",
            tx_seq=1,
            frontier_slot=254_170_886,
            counts=messages.Counts(updates=2, transactions=1, slots=1, blocks_meta=1),
            events=(swap, slot),
        ),
        messages.Gap(
            **origin, first_missing_slot=10, last_missing_slot=12, why="the source restarted"
        ),
        messages.SourceState(**origin, checkpoint_slot=9, frontier_slot=9),
        _alert(),
        _proof(),
        _facts(),
        heartbeat.Heartbeat(
            service="parser",
            instance="parser-1",
            version="0.1.0",
            pid=1,
            started_at_ms=1_767_225_600_000,
            at_ms=1_767_225_601_000,
            http_url="http://127.0.0.1:8080",
            ready=True,
            rates={"pw_parser_swaps_total": heartbeat.Rate(total=3, per_s_1s=1.0, per_s_60s=0.05)},
        ),
    )
    return {str(one.__struct_config__.tag): one for one in made}


def _alert() -> alerts.Alert:
    slot = 254_170_887
    return alerts.Alert(
        id="0" * 32,
        episode="1" * 32,
        n=0,
        kind="opened",
        trigger="concentrated_accumulation",
        severity="warning",
        slot=slot,
        opened_slot=slot,
        event_time_ms=1_710_441_678_000,
        mint=SIGNATURE[:44],
        conditions=(
            alerts.Condition(text=CONDITION, metric="buy_count_5m", value=21.0, verdict="holds"),
        ),
    )


def _facts() -> mint_facts.KeptFacts:
    asked_ms = 1_767_225_600_000
    delegate = mint_facts.MintExtension(
        number=12, name="permanent_delegate", says={"delegate": TRADER}
    )
    facts = mint_facts.MintFacts(
        mint=SIGNATURE[:44],
        kind="token_2022",
        slot=254_170_887,
        asked_ms=asked_ms,
        host="node.example",
        supply_raw=10**15,
        decimals=6,
        mint_authority=TRADER,
        name="Example",
        symbol="EX",
        named_in="metaplex",
        update_authority=TRADER,
        is_mutable=True,
        extensions=(delegate,),
    )
    return mint_facts.KeptFacts(mint=facts.mint, tried_ms=asked_ms, facts=facts)


def _proof() -> proofs.AlertProof:
    alert = _alert()
    slot = alert.slot
    return proofs.AlertProof(
        alert=alert,
        rule=proofs.ProvenRule(name=alert.trigger, revision=0, conditions=(CONDITION,)),
        first_slot=slot - 1_050,
        last_slot=slot,
        begins="lookback",
        parser="0.1.0",
        programs="0" * 16,
        blocks=(
            proofs.ProvenBlock(
                slot=slot, parent=slot - 1, blockhash=TRADER, swaps=21, digest="2" * 64
            ),
        ),
        mint_swaps=21,
        mint_digest="2" * 64,
        beyond=("near",),
    )


def wanted() -> dict[Path, str]:
    """Every file that must be there, with its text: schemas, and examples still missing."""
    files = {
        DOCUMENTS / f"{name}.json": text_of(schema) for name, schema in document_schemas().items()
    }
    examples = first_examples()
    for tag, kind in wire_types().items():
        files[SCHEMAS / f"{tag}.json"] = schema_text(kind)
        folder = EXAMPLES / tag
        if any(folder.glob("*.json")):
            continue
        if tag not in examples:
            sys.exit(f"schemas/examples/{tag}/ is empty: add a message to first_examples()")
        body = msgspec.json.format(messages.encode(examples[tag]), indent=2).decode()
        files[folder / "first.json"] = body + "\n"
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail on drift")
    check = parser.parse_args().check
    stale = [
        (path, text)
        for path, text in wanted().items()
        if not path.exists() or path.read_text() != text
    ]
    for path, text in stale:
        name = path.relative_to(ROOT).as_posix()
        if check:
            sys.stderr.write(f"{name} differs from the code; run `make schemas`\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"wrote {name}")
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(main())
