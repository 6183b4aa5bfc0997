"""An alert that is too large for the broker: stored cut, and nothing that follows it waits."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pw_common.jetstream.publishing.publisher import Publisher
from pw_common.process.log import Log
from pw_common.wire.alerts import Alert, Buyer
from pw_detector.store.alert_store import AlertStore, stored_alerts
from support.broker import provisioned

MINT = "So11111111111111111111111111111111111111112"


def alert(n: int, label: str) -> Alert:
    buyer = Buyer(trader=MINT, buys=1, volume_sol=1.0, share=1.0, labels=(label,))
    return Alert(
        id=f"{n:032}", episode="e", n=n, kind="opened", trigger="t", severity="info",
        slot=n, opened_slot=n, event_time_ms=n, mint=MINT, top_buyers=(buyer,),
    )  # fmt: skip


async def test_an_alert_with_a_label_of_a_megabyte_is_stored_cut_and_the_next_one_whole(
    tmp_path: Path,
) -> None:
    cuts: list[int] = []
    async with provisioned(tmp_path) as (_, bus):
        publisher = Publisher(bus, Log("test"))
        await publisher.start()
        store = AlertStore(publisher, on_cut=lambda: cuts.append(1))
        await store.store([alert(1, "L" * 1_048_300), alert(2, "a friend")], 0)
        await store.store([alert(1, "L" * 1_048_300)], 0)
        await publisher.stop()
        first, second = await stored_alerts(bus, Log("test"), until_slot=9)
    assert first.truncated == ("top_buyers",)
    assert first.top_buyers[0].trader == MINT
    assert len(first.top_buyers[0].labels[0]) == 65
    assert second.truncated is msgspec.UNSET
    assert second.top_buyers[0].labels == ("a friend",)
    assert (store.stored, store.already_there, len(cuts)) == (2, 1, 1)
