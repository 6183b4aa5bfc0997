"""What history exports, `pw` reads: the current files, whole, once each."""

from __future__ import annotations

from pathlib import Path

from pw_cli.parquet.places import files_of, kept_in
from pw_cli.parquet.swap_rows import events_of
from pw_common.wire.messages import Swap, TokenCreated
from pw_history.parquet.exporter import Exporter
from pw_history.parquet.layout import MANIFEST
from pw_history.parquet.store import StoreSettings, open_store
from support.filled_history import hours, opened, slot_of, swap, token, write


def test_pw_reads_each_swap_and_token_of_the_current_files_once(tmp_path: Path) -> None:
    folder = kept_in(tmp_path)
    odd = swap(990, 1, venues=(), fee_payer="payer", quote_mint=None, quote_amount_raw=None)
    with opened() as connection:
        hours(connection, 2)
        exporter = Exporter(connection, open_store(StoreSettings(str(folder))), tmp_path / "tmp")
        exporter.turn(0)
        write(connection, [slot_of(1, 0, [odd], amends=True)], 2)
        exporter.turn(1)
        exporter.close()
    for is_without_manifest in (False, True):
        if is_without_manifest:
            (folder / MANIFEST).unlink()
        found = [one.event for one in events_of(files_of([tmp_path]))]
        swaps = [one for one in found if isinstance(one, Swap)]
        told = [swap(number, 1 + number // 20) for number in range(40)] + [odd]
        assert sorted(swaps, key=by_signature) == sorted(told, key=by_signature)
        tokens = [one for one in found if isinstance(one, TokenCreated)]
        assert tokens == [token("new0", 1), token("new1", 2)]


def by_signature(one: Swap) -> str:
    return one.signature
