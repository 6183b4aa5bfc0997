"""Wire: settings, runtime, HTTP."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pw_api.app import build_app
from pw_api.config import Settings
from pw_api.core.access import read_hosts
from pw_api.http.server import ApiServer
from pw_api.http.site import load_site
from pw_common.process.exit_codes import EXIT_CONFIG
from pw_common.process.token_file import BadToken, make_token, read_token
from pw_common.service.run import Runtime, run_service
from pw_common.service.settings import load_or_exit
from pw_common.text.redact import keep_secret

if TYPE_CHECKING:
    from pw_api.node.facts import NodeFacts


def main() -> int:
    """Run the API; returns the exit code."""
    settings = load_or_exit(Settings)
    try:
        token = token_of(settings)
    except BadToken as error:
        sys.stderr.write(f"api: {error}\n")
        return EXIT_CONFIG
    if token is not None:
        keep_secret(token)

    def http(runtime: Runtime) -> ApiServer:
        if token is None:
            runtime.log.warning("api_without_token", allowed="anyone who reaches the port")
        count = partial(runtime.metrics.count, "pw_api_connections_closed_total")
        limits = replace(settings.limits(), on_closed=lambda why: count(why=why))
        site = load_site()
        if not site.built:
            runtime.log.warning("dashboard_not_built", shown="the status page alone")
        hosts = read_hosts(settings.api_hosts)
        node = _node(settings, runtime)
        app = build_app(
            runtime,
            token,
            hosts,
            demo=settings.demo,
            pw_command=settings.pw_command,
            site=site,
            node=node,
        )
        return ApiServer(app, limits) if node is None else ApiServer(app, limits, node.close)

    return run_service("api", settings, serve, http=http, needs_broker=False)


async def serve(runtime: Runtime) -> None:
    """Answer until stopped: everything is done where it is asked for."""
    runtime.set_ready()
    await runtime.stop.wait()


def _node(settings: Settings, runtime: Runtime) -> NodeFacts | None:
    """The node that is asked for facts, if there is one: else nothing of it is even imported."""
    if not settings.node_url():
        return None
    from pw_api.node.opening import open_facts  # noqa: PLC0415 - slow to import

    return open_facts(settings, os.environ, runtime)


def token_of(settings: Settings) -> str | None:
    """The token that is asked for; None only where the settings say so.

    Raises:
        BadToken: no token where one must be, or both settings at once.
    """
    path = settings.api_token_file
    if settings.api_no_token:
        if path is not None:
            raise BadToken("PW_API_NO_TOKEN is true and PW_API_TOKEN_FILE is set: choose one")
        return None
    if path is None:
        raise BadToken(
            "PW_API_TOKEN_FILE is missing: name a file with the API's token, or set "
            "PW_API_NO_TOKEN=true to let in anyone who reaches the port"
        )
    if settings.api_token_make:
        make_token(path)
    return read_token(path)
