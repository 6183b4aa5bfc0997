"""Wire: settings, the loop, its exit codes."""

from __future__ import annotations

import sys

from pw_common.process.exit_codes import EXIT_UNAVAILABLE
from pw_common.service.run import Runtime, run_service
from pw_common.service.settings import load_or_exit
from pw_common.wire.messages import WrongSchema
from pw_ingest.config import Settings
from pw_ingest.shell import Ingest, SourceRefuses
from pw_ingest.sink.checkpoint import TwoIngests


def main() -> int:
    """Returns 0 after a stop, 69 when the source or the broker refuses, 78 for wrong settings."""
    settings = load_or_exit(Settings)

    async def body(runtime: Runtime) -> None:
        await Ingest(settings, runtime).run()

    try:
        return run_service("ingest", settings, body)
    except (SourceRefuses, TwoIngests, WrongSchema) as error:
        sys.stderr.write(f"ingest: {error}\n")
        return EXIT_UNAVAILABLE
