"""What OpenAPI says of an answer is what the answer has: no field goes unnamed."""

import msgspec

from pw_api.models.shapes import Token
from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.wire.messages import Swap
from pw_detection.detector import Detector

NOW_MS = 1_790_000_000_000


def bought(slot: int) -> Swap:
    return Swap(
        signature=f"signature {slot}",
        ordinal=0,
        slot=slot,
        index=1,
        trader="t",
        side="buy",
        mint="mint",
        base_amount_raw=10**9,
        base_decimals=6,
        quote_mint="So11111111111111111111111111111111111111112",
        quote_amount_raw=10**9,
        quote_decimals=9,
        venues=("pump",),
        fee_payer="t",
        signers=("t",),
    )


def token(*, is_broken: bool) -> dict[str, object]:
    """One token as the detector tells it: bought in two slots, with blocks missing or not."""
    detector = Detector()
    for slot in (1, 2):
        broken = is_broken and slot == 2
        closed = ClosedSlot(slot, NOW_MS + slot, slot == 1, (bought(slot),), is_broken=broken)
        detector.market.fold(closed)
    return detector.token("mint")


def test_every_field_of_a_token_is_named_also_those_that_few_have() -> None:
    assert token(is_broken=True).keys() == set(Token.__struct_fields__)
    assert set(Token.__struct_fields__) - token(is_broken=False).keys() == {"gapped"}


def test_a_token_over_missing_blocks_is_what_its_shape_says() -> None:
    told = msgspec.convert(token(is_broken=True), Token)
    assert told.gapped == ["5m", "1h"]
    assert msgspec.convert(token(is_broken=False), Token).gapped is msgspec.UNSET
