"""Wire: settings, runtime, the reader of recent swaps, HTTP."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial

from pw_api.app import build_app
from pw_api.config import Settings
from pw_api.core.query import RecentSwaps
from pw_api.reader import SwapReader
from pw_api.server import ApiServer
from pw_common.redact import keep_secret
from pw_common.run import EXIT_CONFIG, Runtime, run_service
from pw_common.settings import load_or_exit


def main() -> int:
    """Run the API; returns the exit code."""
    settings = load_or_exit(Settings)
    token: str | None = None
    if settings.api_token_file is not None:
        token = settings.api_token_file.read_text().strip()
        if not token:
            sys.stderr.write(
                f"api: {settings.api_token_file} is empty: put the token into it, "
                "or unset PW_API_TOKEN_FILE\n"
            )
            return EXIT_CONFIG
        keep_secret(token)
    reader = SwapReader(RecentSwaps(settings.recent_swaps_max))

    def http(runtime: Runtime) -> ApiServer:
        count = partial(runtime.metrics.count, "pw_api_connections_closed_total")
        limits = replace(settings.limits(), on_closed=lambda why: count(why=why))
        return ApiServer(build_app(runtime, reader, token), limits)

    return run_service("api", settings, reader.run, http=http, needs_broker=False)
