"""What is said of a mint, from the two accounts that a node showed."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.documents.mint_facts import KeptFacts, MintFacts
from pw_rpc.core.metadata import metadata_address
from pw_rpc.core.mint_facts import ACCOUNT_BYTES_MAX, Account, Accounts, Context, facts_of
from pw_rpc.core.unpacked import BadAnswer
from support.mints import (
    METAPLEX,
    NOBODY,
    SPL_TOKEN,
    TOKEN_2022,
    address,
    extended,
    key,
    metaplex_address,
    metaplex_bytes,
    mint_bytes,
    own_metadata,
)

MINT, ME, OTHER = address(9), address(7), address(8)
BESIDE = (METAPLEX, metaplex_bytes(MINT, "Beside", "BSD", authority=ME, mutable=False))


def shown(account: tuple[str, bytes] | None) -> Account | None:
    if account is None:
        return None
    owner, data = account
    return Account(owner, (base64.b64encode(data).decode(), "base64"), len(data))


def facts(mint: tuple[str, bytes] | None, beside: tuple[str, bytes] | None = None) -> MintFacts:
    found = Accounts(Context(slot=77), [shown(mint), shown(beside)])
    return facts_of(MINT, found, asked_ms=5, host="node.test")


def own(pointer: bytes, *, name: str = "Own", of: str = MINT) -> tuple[str, bytes]:
    names = own_metadata(of, name, "OWN", authority=key(OTHER))
    return TOKEN_2022, extended(mint_bytes(), (18, NOBODY + pointer), (19, names))


def named(found: MintFacts) -> tuple[Any, ...]:
    return found.name, found.symbol, found.named_in, found.update_authority, found.is_mutable


def test_an_older_token_has_its_supply_authorities_and_the_name_that_stands_beside_it() -> None:
    found = facts((SPL_TOKEN, mint_bytes(supply=2**64 - 1, decimals=9, freezer=ME)), BESIDE)
    assert (found.kind, found.slot, found.asked_ms, found.by) == ("spl_token", 77, 5, "rpc")
    assert (found.supply_raw, found.decimals) == (2**64 - 1, 9)
    assert (found.mint_authority, found.freeze_authority) == (None, ME)
    assert named(found) == ("Beside", "BSD", "metaplex", ME, False)


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (own(key(MINT)), ("Own", "OWN", "token_2022", OTHER, None)),
        # Where it says that its name is at Metaplex, or says nothing, that is taken.
        (own(key(metaplex_address(MINT))), ("Beside", "BSD", "metaplex", ME, False)),
        ((TOKEN_2022, mint_bytes()), ("Beside", "BSD", "metaplex", ME, False)),
        # Anywhere else is not looked at, and a name that is another mint's is none.
        (own(key(OTHER)), (None,) * 5),
        (own(key(MINT), of=OTHER), (None,) * 5),
    ],
)
def test_a_name_is_taken_from_where_the_mint_says_that_it_is(
    account: tuple[str, bytes], expected: tuple[Any, ...]
) -> None:
    assert named(facts(account, BESIDE)) == expected


@pytest.mark.parametrize(
    "beside",
    [
        None,
        (OTHER, BESIDE[1]),
        (METAPLEX, b""),
        (METAPLEX, b"\4" + b"\xff" * 300),
        (METAPLEX, metaplex_bytes(OTHER, "Stolen", "STL", authority=ME)),
    ],
)
def test_without_a_name_that_is_its_own_a_mint_has_all_the_rest(
    beside: tuple[str, bytes] | None,
) -> None:
    found = facts((SPL_TOKEN, mint_bytes(supply=5)), beside)
    assert (found.kind, found.supply_raw) == ("spl_token", 5)
    assert named(found) == (None,) * 5


@pytest.mark.parametrize(
    ("account", "kind", "why"),
    [
        (None, "absent", ""),
        ((OTHER, mint_bytes()), "not_a_mint", f"an account of the program {OTHER}"),
        (("\x1b[31m", mint_bytes()), "not_a_mint", "an account of the program \ufffd[31m"),
        ((SPL_TOKEN, mint_bytes() + bytes(83)), "not_a_mint", "165 bytes"),
        ((TOKEN_2022, b""), "not_a_mint", "0 bytes"),
    ],
)
def test_what_is_no_mint_is_said_to_be_none_and_why(
    account: tuple[str, bytes] | None, kind: str, why: str
) -> None:
    found = facts(account, BESIDE)
    assert (found.kind, found.supply_raw, found.name) == (kind, None, None)
    assert why in found.why


def test_a_hostile_name_is_one_short_line() -> None:
    found = facts(own(key(MINT), name="A\n\u202eB\x00" + "x" * 500))
    assert found.name == "A\ufffd\ufffdB\ufffd" + "x" * 26 + "\u2026"


@pytest.mark.parametrize(
    "value",
    [
        [],
        [None],
        [Account(SPL_TOKEN, ("%%%", "base64")), None],
        [Account(SPL_TOKEN, ("AAAA", "base58")), None],
        [Account(SPL_TOKEN, ("A", "base64")), None],
    ],
)
def test_an_answer_to_another_question_is_refused(value: list[Account | None]) -> None:
    with pytest.raises(BadAnswer):
        facts_of(MINT, Accounts(Context(slot=1), value), asked_ms=1, host="")


def test_an_account_that_is_larger_than_asked_for_is_refused_while_it_is_read() -> None:
    data = base64.b64encode(bytes(ACCOUNT_BYTES_MAX + 3)).decode()
    body = {"context": {"slot": 1}, "value": [{"owner": "o", "data": [data, "base64"]}, None]}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(body, Accounts)


@given(st.binary(max_size=400), st.binary(max_size=400), st.sampled_from([SPL_TOKEN, TOKEN_2022]))
def test_any_bytes_give_facts_that_can_be_kept_and_read_again(
    data: bytes, beside: bytes, owner: str
) -> None:
    for one in (data, mint_bytes() + bytes(83) + b"\1" + data):
        kept = KeptFacts(
            mint=MINT, tried_ms=5, facts=facts((owner, one), (METAPLEX, b"\4" + beside))
        )
        assert msgspec.json.decode(msgspec.json.encode(kept), type=KeptFacts) == kept


def test_the_account_beside_a_mint_is_the_one_that_is_known() -> None:
    # As explorers show it for wrapped SOL.
    assert metadata_address("So11111111111111111111111111111111111111112") == (
        "6dM4TqWyWJsbx7obrdLcviBkTafD5E8av61zfU6jq57X"
    )
