"""What a mint's account says: against accounts put together in another way, and garbage."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from pw_rpc.core.extensions import EXTENSIONS_MAX, KNOWN, BadAccount
from pw_rpc.core.metadata import read_metaplex, read_token_metadata
from pw_rpc.core.mint import HOLDER_BYTES, MINT_BYTES, MULTISIG_BYTES, decode_mint
from support.mints import NOBODY, address, extended, key, metaplex_bytes, mint_bytes, own_metadata

ME, YOU, MINT = address(7), address(8), address(9)
ADDRESSES = st.binary(min_size=32, max_size=32).filter(lambda raw: raw != NOBODY)
U64 = st.integers(0, 2**64 - 1)

FEE = (
    key(ME) + key(YOU) + struct.pack("<Q", 5)
    + struct.pack("<QQH", 100, 10**9, 50) + struct.pack("<QQH", 700, 2**64 - 1, 250)
)  # fmt: skip
# Of each extension with a known layout a value, and what it says.
SAYS: list[tuple[int, bytes, str, dict[str, Any]]] = [
    (
        1, FEE, "transfer_fee",
        {
            "authority": ME, "withdraw_authority": YOU, "withheld_raw": 5,
            "former_epoch": 100, "former_fee_max_raw": 10**9, "former_fee_bps": 50,
            "epoch": 700, "fee_max_raw": 2**64 - 1, "fee_bps": 250,
        },
    ),
    (3, key(ME), "mint_close_authority", {"authority": ME}),
    (
        4, key(ME) + b"\1" + NOBODY, "confidential_transfer",
        {"authority": ME, "auto_approve": True, "auditor_key": None},
    ),
    (6, b"\2", "default_account_state", {"frozen": True}),
    (6, b"\1", "default_account_state", {"frozen": False}),
    (9, b"", "non_transferable", {}),
    (
        10, key(ME) + struct.pack("<qhqh", 1_700_000_000, -5, 1_800_000_000, 500),
        "interest_bearing",
        {
            "authority": ME, "begun_s": 1_700_000_000, "former_rate_bps": -5,
            "updated_s": 1_800_000_000, "rate_bps": 500,
        },
    ),
    (12, key(YOU), "permanent_delegate", {"delegate": YOU}),
    (12, NOBODY, "permanent_delegate", {"delegate": None}),
    (14, NOBODY + key(YOU), "transfer_hook", {"authority": None, "program": YOU}),
    (18, NOBODY + key(ME), "metadata_pointer", {"authority": None, "metadata": ME}),
    (20, key(ME) + key(YOU), "group_pointer", {"authority": ME, "group": YOU}),
    (22, key(ME) + key(YOU), "group_member_pointer", {"authority": ME, "member": YOU}),
    (
        25, key(ME) + struct.pack("<dqd", 1.5, 1_800_000_000, math.inf), "scaled_ui_amount",
        {
            "authority": ME, "multiplier": 1.5, "new_multiplier_from_s": 1_800_000_000,
            "new_multiplier": None,
        },
    ),
    (26, key(ME) + b"\1", "pausable", {"authority": ME, "paused": True}),
    (28, NOBODY, "permissioned_burn", {"authority": None}),
]  # fmt: skip


@given(U64, st.integers(0, 255), st.none() | ADDRESSES, st.none() | ADDRESSES, st.booleans())
def test_a_mint_is_read_as_the_solana_libraries_write_it(
    supply: int, decimals: int, minter: bytes | None, freezer: bytes | None, is_2022: bool
) -> None:
    named = [None if one is None else str(Pubkey(one)) for one in (minter, freezer)]
    data = mint_bytes(supply=supply, decimals=decimals, minter=named[0], freezer=named[1])
    mint = decode_mint(data, is_2022=is_2022)
    assert (mint.supply_raw, mint.decimals) == (supply, decimals)
    assert [mint.mint_authority, mint.freeze_authority] == named
    assert (mint.extensions, mint.extensions_cut, mint.names) == ((), False, None)


@pytest.mark.parametrize(("number", "value", "name", "says"), SAYS)
def test_each_extension_with_a_known_layout_says_what_it_holds(
    number: int, value: bytes, name: str, says: dict[str, Any]
) -> None:
    mint = decode_mint(extended(mint_bytes(), (number, value), room=9), is_2022=True)
    assert [(one.number, one.name, one.says) for one in mint.extensions] == [(number, name, says)]
    assert not mint.extensions_cut


@given(st.lists(st.tuples(st.integers(1, 2**16 - 1), st.binary(max_size=40)), max_size=40))
def test_every_extension_is_listed_by_number_up_to_the_bound(
    given_: list[tuple[int, bytes]],
) -> None:
    mint = decode_mint(extended(mint_bytes(), *given_, room=400), is_2022=True)
    numbers = [number for number, _ in given_]
    assert [one.number for one in mint.extensions] == numbers[:EXTENSIONS_MAX]
    assert mint.extensions_cut == (len(numbers) > EXTENSIONS_MAX)
    for one in mint.extensions:
        known = KNOWN.get(one.number)
        assert one.name == (known.name if known else None)


@pytest.mark.parametrize("number", sorted(KNOWN))
def test_a_value_of_another_length_than_its_layout_is_only_named(number: int) -> None:
    mint = decode_mint(extended(mint_bytes(), (number, b"\x05" * 1_000)), is_2022=True)
    assert [one.says for one in mint.extensions] == [{}]


def test_of_an_account_that_is_longer_than_what_was_asked_for_the_rest_is_said_to_be_missing() -> (
    None
):
    whole = extended(mint_bytes(), (9, b""), (19, b"\0" * 5_000), (12, key(ME)))
    mint = decode_mint(whole[:1_000], is_2022=True, whole_bytes=len(whole))
    assert [one.number for one in mint.extensions] == [9]
    assert mint.extensions_cut
    mint = decode_mint(whole, is_2022=True, whole_bytes=len(whole))
    assert ([one.number for one in mint.extensions], mint.extensions_cut) == ([9, 19, 12], False)


@pytest.mark.parametrize(
    ("data", "is_2022", "why"),
    [
        (b"", False, "0 bytes"),
        (mint_bytes()[:-1], False, "81 bytes"),
        (mint_bytes(ready=False), False, "never made ready"),
        (mint_bytes() + bytes(HOLDER_BYTES - MINT_BYTES), False, "165 bytes"),
        (mint_bytes() + bytes(HOLDER_BYTES - MINT_BYTES), True, "165 bytes"),
        (mint_bytes() + bytes(MULTISIG_BYTES - MINT_BYTES), True, "355 bytes"),
        (extended(mint_bytes(), (9, b"")), False, "170 bytes"),
        (mint_bytes() + bytes(83) + b"\2" + bytes(40), True, "no mint"),
        (b"\2" + mint_bytes()[1:], False, "neither there nor not there"),
        (extended(mint_bytes(), (9, b""))[:-2] + b"\xff\0", True, "claims 255 bytes"),
    ],
)
def test_what_is_no_mint_is_refused_and_says_why(data: bytes, is_2022: bool, why: str) -> None:
    with pytest.raises(BadAccount, match=why):
        decode_mint(data, is_2022=is_2022)


@given(st.binary(max_size=700), st.booleans(), st.none() | st.integers(0, 2_000))
def test_garbage_is_a_mint_or_refused(data: bytes, is_2022: bool, whole: int | None) -> None:
    for one in (data, mint_bytes() + data, mint_bytes() + bytes(83) + b"\1" + data):
        try:
            mint = decode_mint(one, is_2022=is_2022, whole_bytes=whole)
        except BadAccount:
            continue
        assert len(mint.extensions) <= EXTENSIONS_MAX
        assert mint.supply_raw < 2**64


@given(st.data())
def test_one_wrong_byte_of_a_mint_is_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(
        extended(
            mint_bytes(), (1, FEE), (18, NOBODY + key(MINT)), (19, own_metadata(MINT, "A", "B"))
        )
    )
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode_mint(bytes(whole), is_2022=True)
    except BadAccount:
        return


@given(st.binary(max_size=400))
def test_garbage_is_names_or_refused_and_a_name_is_short(data: bytes) -> None:
    for read, begin in ((read_token_metadata, b""), (read_metaplex, b"\4"), (read_metaplex, b"")):
        for one in (data, bytes(64) + data):
            try:
                names = read(begin + one)
            except BadAccount:
                continue
            assert all(len(text or "") <= 32 for text in (names.name, names.symbol))


@given(st.text(max_size=20).filter(lambda text: not text.endswith("\0")))
def test_what_is_written_as_a_name_is_one_line_without_anything_hidden(name: str) -> None:
    try:
        raw = name.encode()
    except UnicodeEncodeError:
        return
    names = read_token_metadata(own_metadata(MINT, name, "S"))
    assert len(raw) == 0 or names.name
    assert not set(names.name or "") & set("\n\r\x1b\u202e\u200b")


def test_metaplex_fills_up_with_zeros_which_are_no_part_of_the_name() -> None:
    names = read_metaplex(metaplex_bytes(MINT, "Old Coin", "OLD", authority=ME, mutable=False))
    assert (names.name, names.symbol, names.update_authority) == ("Old Coin", "OLD", ME)
    assert (names.mint, names.is_mutable) == (key(MINT), False)
    names = read_metaplex(metaplex_bytes(MINT, "", "", authority=ME, creators=0))
    assert (names.name, names.symbol, names.is_mutable) == (None, None, True)
