"""Wire: settings, source, player, gRPC server, status."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import uvloop

from pw_common.process.exit_codes import EXIT_CONFIG, EXIT_OK
from pw_common.process.log import Log, setup
from pw_common.process.tasks import end_tasks
from pw_common.process.version import VERSION
from pw_common.service.health import HealthServer, PortTaken
from pw_common.service.run import watch_signals
from pw_common.service.settings import host_port, load_or_exit
from pw_common.wire.captures import BadCapture
from pw_replay.config import Settings
from pw_replay.core.faults import parse_plan
from pw_replay.core.pace import parse_rate
from pw_replay.player import Player
from pw_replay.server import CannotListen, Geyser, serve
from pw_replay.sources import capture_runs, market_runs, passes
from pw_replay.status import Status

EXIT_BAD_CAPTURE = 65
GRACE_S = 1.0


def main() -> int:
    """0 when asked to stop, 65 when a capture cannot be read, 78 for settings or a taken port."""
    settings = load_or_exit(Settings)
    log = setup("replay", VERSION, level=settings.log_level, format_=settings.log_format)
    try:
        return uvloop.run(_main(settings, log))
    except BadCapture as error:
        sys.stderr.write(f"replay: {error}\n")
        return EXIT_BAD_CAPTURE


async def _main(settings: Settings, log: Log) -> int:
    stop = asyncio.Event()
    watch_signals(stop)
    player = make_player(settings)
    token = settings.token_file.read_text().strip() if settings.token_file else None
    answers = Status(player)
    status = HealthServer(answers.routes())
    try:
        await status.start(*host_port(settings.http_listen))
        server, port = await serve(Geyser(player, token=token, version=VERSION), settings.listen)
    except (PortTaken, CannotListen) as error:
        sys.stderr.write(f"replay: {error}\n")
        return EXIT_CONFIG
    answers.listen = f"{host_port(settings.listen)[0]}:{port}"
    log.info("service_started", listen=answers.listen, http=status.address)
    playing = asyncio.create_task(player.play(), name="play")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if playing.done():
            # Played to the end: the streams stay open, as a quiet chain's would.
            playing.result()
            await stopping
        return EXIT_OK
    finally:
        await end_tasks(playing, stopping)
        player.stop()
        await server.stop(GRACE_S)
        await status.stop()
        player.close()


def make_player(settings: Settings) -> Player:
    """The player that the settings describe."""
    if settings.captures:
        runs = capture_runs([Path(one) for one in settings.captures.split(os.pathsep)])
    else:
        runs = market_runs(
            settings.market_seed,
            settings.market_minutes,
            settings.market_tps,
            settings.market_preset,
            settings.market_failures,
        )
    return Player(
        passes(runs, loop=settings.loop),
        rate=parse_rate(settings.rate),
        window_slots=settings.window_slots,
        plan=parse_plan(settings.faults),
        cut_slow_clients=settings.slow_client == "cut",
        sent_record=settings.sent_record,
        keep_playing=settings.keep_playing,
    )
