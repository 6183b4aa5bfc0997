"""Exports closed hours beside the reading; a store that is away is tried again."""

from __future__ import annotations

from typing import Final

import duckdb

from pw_common.process.clock import now_ms
from pw_common.process.tasks import unless
from pw_common.service.run import Runtime
from pw_history.config import Settings
from pw_history.parquet.exporter import Exporter, OtherExporter, Turn, WrongParquet
from pw_history.parquet.faults import StoreFault
from pw_history.parquet.manifest import BadManifest
from pw_history.parquet.store import BadStore, Store, open_store
from pw_history.shell.keeping import Keeping
from pw_history.shell.room import Room
from pw_history.shell.threads import in_thread

EVERY_S: Final = 30.0
# While hours are left that are due.
BUSY_S: Final = 1.0
ABOUT: Final = "parquet"


async def export_hours(
    settings: Settings,
    runtime: Runtime,
    connection: duckdb.DuckDBPyConnection,
    keeping: Keeping,
    room: Room,
) -> None:
    """Export until stopped; what cannot be exported is kept in the file, and said."""
    store = await _opened(settings, runtime)
    if store is None:
        return
    exporter = Exporter(
        connection, store, settings.folder / "exporting", kept_hours=settings.parquet_hours
    )
    try:
        await _turns(runtime, exporter, keeping, room)
    finally:
        await in_thread(exporter.close)


async def _opened(settings: Settings, runtime: Runtime) -> Store | None:
    """The store, once its folder can be made; None where the service is asked to stop before."""
    while not runtime.stop.is_set():
        try:
            return await in_thread(lambda: open_store(settings.store()))
        except BadStore as error:
            runtime.set_trouble(ABOUT, f"cannot export hours: {error}")
            await runtime.stop.wait()
        except StoreFault as error:
            runtime.set_trouble(ABOUT, f"cannot export hours: {error}")
            await unless(runtime.stop, EVERY_S)
    return None


async def _turns(runtime: Runtime, exporter: Exporter, keeping: Keeping, room: Room) -> None:
    while not runtime.stop.is_set():
        left = 0
        if room.short():
            # Reading says it.
            await unless(runtime.stop, EVERY_S)
            continue
        keeping.exporting()
        try:
            turn = await in_thread(lambda: exporter.turn(now_ms()))
            left = turn.left
            keeping.exported_before(turn.safe_before_ms)
            runtime.set_trouble(ABOUT, _smaller(turn))
            runtime.metrics.count("pw_history_exported_hours_total", len(turn.exported))
            runtime.metrics.set("pw_history_due_hours", left)
        except (StoreFault, BadManifest, WrongParquet, OtherExporter) as error:
            runtime.set_trouble(ABOUT, f"cannot export hours: {error}")
            runtime.metrics.count("pw_history_export_failures_total")
            runtime.log.warning("export_waits", reason=str(error))
        await unless(runtime.stop, BUSY_S if left else EVERY_S)


def _smaller(turn: Turn) -> str:
    if not turn.smaller:
        return ""
    hours = len(turn.smaller)
    return f"{hours} hours hold less here than in their exported files, which are left as they are"
