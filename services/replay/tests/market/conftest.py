"""One generated market, decoded once for all tests of this folder."""

from dataclasses import dataclass

import pytest

from pw_geyser import geyser_pb2
from pw_replay.market import Truth, generate_labelled

SEED = 11
MINUTES = 1.6
TPS = 60.0


@dataclass(frozen=True)
class Decoded:
    update: geyser_pb2.SubscribeUpdate
    truth: Truth | None

    @property
    def kind(self) -> str | None:
        which: str | None = self.update.WhichOneof("update_oneof")
        return which


@pytest.fixture(scope="session")
def market() -> list[Decoded]:
    return [
        Decoded(geyser_pb2.SubscribeUpdate.FromString(update), truth)
        for update, truth in generate_labelled(SEED, MINUTES, TPS)
    ]


@pytest.fixture(scope="session")
def transactions(market: list[Decoded]) -> list[Decoded]:
    return [one for one in market if one.kind == "transaction"]
