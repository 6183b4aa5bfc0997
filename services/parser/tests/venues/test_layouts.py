"""Layout tables read what programs write, ignore what they append, and notice what is gone."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from pw_geyser import solana_storage_pb2
from pw_parser.core.decode.programs import EXCHANGES, SOL_MINT
from pw_parser.core.decode.transaction import Malformed, TokenAccount, View
from pw_parser.core.venues import layout, pumpfun
from pw_parser.core.venues.layout import Short, event_tag
from pw_parser.core.venues.registry import VENUES
from pw_parser.core.venues.venue import Invocation, Stated, TokenFacts, TradeEvent

KEYS = [bytes([number]) * 32 for number in range(1, 41)]
ADDRESS = [str(Pubkey.from_bytes(key)) for key in KEYS]


def view() -> View:
    return View(
        signature=bytes(64),
        slot=7,
        tx_index=0,
        keys=KEYS,
        signer_count=1,
        fee_lamports=0,
        pre_lamports=[0] * len(KEYS),
        post_lamports=[0] * len(KEYS),
        # Every account but the last few holds a token of its own.
        tokens=[TokenAccount(i, f"mint{i}", "owner", 6, 0, 0, True) for i in range(30)],
        message=solana_storage_pb2.Message(),
        meta=solana_storage_pb2.TransactionStatusMeta(),
    )


def call(venue: str, data: bytes = b"", accounts: int = 20) -> Invocation:
    return Invocation(view(), venue, bytes(range(accounts)), data)


def u64(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}Q", *values)


def text(value: str) -> bytes:
    return struct.pack("<I", len(value)) + value.encode()


def traded(stated: Stated) -> TradeEvent:
    """The trade among what one event states; the others tell of the pool."""
    one = stated[0] if type(stated) is tuple else stated
    assert isinstance(one, TradeEvent)
    return one


PUMP_OLD = KEYS[0] + u64(1_000, 50) + b"\x01" + KEYS[1] + u64(1_700_000_000)
PUMP_FEES = u64(1, 2, 3, 4) + KEYS[2] + u64(95, 10) + KEYS[3] + u64(5, 3)
PUMP_REST = b"\x01" + u64(0, 0, 0, 0) + text("buy_v3") + b"\x00" + u64(0, 0, 0, 0)
PUMP_USDC = PUMP_REST + struct.pack("<I", 1) + KEYS[9] + b"\x10\x27" + KEYS[4] + u64(777)


@pytest.mark.parametrize(
    ("data", "mint", "paid"),
    [
        (PUMP_OLD, SOL_MINT, 1_000),
        (PUMP_OLD + PUMP_FEES, SOL_MINT, 1_013),
        (PUMP_OLD + PUMP_FEES + PUMP_REST, SOL_MINT, 1_013),
        (PUMP_OLD + PUMP_FEES + PUMP_USDC, ADDRESS[4], 777 + 13),
    ],
    ids=["2024", "with fees", "cut inside what was added", "another quote than SOL"],
)
def test_every_age_of_pump_fun_trades_is_read(data: bytes, mint: str, paid: int) -> None:
    read = pumpfun.VENUE.events[event_tag("TradeEvent")]
    expected = TradeEvent("pumpfun", mint, paid, ADDRESS[0], 50, ADDRESS[1])
    assert traded(read(data, call("pumpfun"))) == expected


def test_a_pump_fun_launch_is_read_with_and_without_its_supply() -> None:
    read = pumpfun.VENUE.events[event_tag("CreateEvent")]
    old = text("Name") + text("SYM") + text("uri") + KEYS[0] + KEYS[1] + KEYS[2]
    new = old + KEYS[3] + u64(1_700_000_000, 1, 2, 3, 10**15)
    facts = TokenFacts("pumpfun", ADDRESS[0], "Name", "SYM", ADDRESS[2], 6, None)
    assert read(old, call("pumpfun")) == facts
    assert read(new + b"more", call("pumpfun")) == facts._replace(
        creator=ADDRESS[3], supply_raw=10**15
    )


CLMM = KEYS[0] * 4 + u64(100, 0, 200, 0) + b"\x01"
CPMM = KEYS[0] + u64(0, 0, 100, 200, 1, 2)
ORCA = KEYS[2] + b"\x00" + bytes(32) + u64(100, 200, 0, 5)
DLMM = KEYS[0] + KEYS[1] + struct.pack("<ii", 1, 2) + u64(100, 200) + b"\x01"
DAMM2 = KEYS[0] + b"\x01\x00" + u64(9, 9, 200) + bytes(16) + u64(0, 0, 0, 0, 100)
DAMM2_B = KEYS[0] + b"\x01\x00\x00" + u64(9, 9) + b"\x00" + u64(100, 99, 0, 200)
DBC = KEYS[0] * 2 + b"\x00\x00" + u64(9, 9, 8, 200) + bytes(16) + u64(0, 0, 0, 100)
DBC_B = KEYS[0] * 2 + b"\x00\x00" + u64(9, 9) + b"\x00" + u64(100, 99, 0, 200)
LAUNCH = KEYS[0] + u64(*range(7)) + u64(100, 200)
RAY = u64(100, 0, 1, 0, 0, 0, 200)
RAY_OUT = u64(0, 200, 2, 0, 0, 0, 100)


@pytest.mark.parametrize(
    ("venue", "event", "instruction", "data", "given", "got"),
    [
        ("raydium_clmm", "SwapEvent", "swap_v2", CLMM, "mint5", "mint6"),
        ("raydium_cpmm", "SwapEvent", "swap_base_input", CPMM, ADDRESS[10], ADDRESS[11]),
        ("orca_whirlpool", "Traded", "swap", ORCA, "mint6", "mint4"),
        ("meteora_dlmm", "Swap", "swap", DLMM, ADDRESS[6], ADDRESS[7]),
        ("meteora_damm_v1", "Swap", "swap", u64(100, 200), None, None),
        ("meteora_damm_v2", "EvtSwap", "swap", DAMM2, ADDRESS[7], ADDRESS[6]),
        ("meteora_damm_v2", "EvtSwap2", "swap2", DAMM2_B, ADDRESS[7], ADDRESS[6]),
        ("meteora_dbc", "EvtSwap", "swap", DBC, ADDRESS[7], ADDRESS[8]),
        ("meteora_dbc", "EvtSwap2", "swap2", DBC_B, ADDRESS[7], ADDRESS[8]),
        ("raydium_launchlab", "TradeEvent", "buy_exact_in", LAUNCH, ADDRESS[10], ADDRESS[9]),
        ("raydium_launchlab", "TradeEvent", "sell_exact_in", LAUNCH, ADDRESS[9], ADDRESS[10]),
    ],
)
def test_amounts_and_mints_are_read_from_event_and_instruction(
    venue: str, event: str, instruction: str, data: bytes, given: str | None, got: str | None
) -> None:
    read = VENUES[venue].events[event_tag(event)]
    invocation = call(venue, layout.instruction_tag(instruction))
    for appended in (b"", b"\xff" * 40):
        trade = traded(read(data + appended, invocation))
        in_raw, out_raw = trade.amount_in_raw, trade.amount_out_raw
        assert trade.venue == venue
        if venue != "meteora_damm_v1":
            assert (trade.mint_in, trade.mint_out) == (given, got)
        # Transfer fees of the token: CPMM and Orca state them apart.
        fees = {"raydium_cpmm": (101, 198), "orca_whirlpool": (100, 195)}
        assert (in_raw, out_raw) == fees.get(venue, (100, 200))
    with pytest.raises(Short):
        read(data[:-1], invocation)


@pytest.mark.parametrize(("accounts", "coin"), [(18, 5), (17, 4), (8, 3)])
def test_ray_logs_find_the_vaults_in_every_form_of_the_swap(accounts: int, coin: int) -> None:
    venue = VENUES["raydium_v4"]
    invocation = call("raydium_v4", b"\x09", accounts)
    trade = traded(venue.events[b"\x03"](RAY, invocation))
    assert trade == TradeEvent(
        "raydium_v4", f"mint{coin + 1}", 100, f"mint{coin}", 200, ADDRESS[accounts - 1]
    )
    trade = traded(venue.events[b"\x04"](RAY_OUT, invocation))
    assert (trade.mint_in, trade.amount_in_raw) == (f"mint{coin}", 100)


def test_one_jupiter_event_may_hold_several_hops() -> None:
    hop = KEYS[0] + u64(100) + KEYS[1] + u64(200)
    read = VENUES["jupiter_v6"].events[event_tag("SwapsEvent")]
    found = read(struct.pack("<I", 2) + hop + hop, call("jupiter_v6"))
    assert found == (TradeEvent("jupiter_v6", ADDRESS[0], 100, ADDRESS[1], 200),) * 2
    with pytest.raises(Short):
        read(struct.pack("<I", 3) + hop + hop, call("jupiter_v6"))


@given(st.sampled_from(sorted(VENUES)), st.binary(max_size=400), st.binary(max_size=30), st.data())
def test_garbage_is_short_or_malformed_and_nothing_else(
    venue: str, data: bytes, accounts: bytes, draw: st.DataObject
) -> None:
    declared = VENUES[venue]
    tag = draw.draw(st.sampled_from(sorted(declared.events)))
    instruction = draw.draw(st.sampled_from([*sorted(declared.instructions), b""]))
    try:
        declared.events[tag](data, Invocation(view(), venue, accounts, instruction))
    except (Short, Malformed):
        return


def test_every_venue_is_a_known_program_and_states_its_source() -> None:
    known = {program.name for program in EXCHANGES.values()}
    for name, venue in VENUES.items():
        assert name in known
        assert venue.source
        assert len(venue.checked) == 10
        assert venue.trades <= set(venue.instructions.values())
        assert not venue.silent_events & venue.events.keys()
        assert all(len(tag) == venue.tag_bytes for tag in venue.instructions)
