"""One run of the whole system over a market: undisturbed at full speed, or under faults."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from chaos.delivered import Delivered, read_all, read_kept
from chaos.faults import Strikes
from chaos.fleet import Fleet
from chaos.hostile import try_out
from chaos.outcome import Outcome
from chaos.state import state
from pw_cli.up.processes.processes import free_port
from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.topology import subjects
from pw_common.topology.streams import GIB, MIB, Topology
from pw_common.wire.captures import read_capture
from pw_provision.apply import apply
from support.broker import connected, running_broker, small_topology
from support.hostile import hostile_receiver
from support.poll import poll_until
from support.receiver import TAKES, receiving
from support.replaying import replaying
from support.tokens import token_file

TPS: Final = 1_100
# Room for about five seconds: a full queue is part of the run.
TX_BYTES_MAX: Final = 2 * MIB
# The broker forgets alerts' ids at once, as it has after an hour: the promise may not rest on it.
ALERT_DUPLICATE_WINDOW_S: Final = 1
# Minutes of the run: what a source no longer has would be a gap, and no fault of ours.
WINDOW_SLOTS: Final = 20_000
# What a receiver takes for a notification, so that some are pending when the notifier falls.
NOTIFICATION_S: Final = 0.02
DRAIN_TIMEOUT_S: Final = 400.0


async def run(
    folder: Path,
    market: Path,
    *,
    faults: list[str],
    seed: int = 1,
    plant: tuple[str, str] | None = None,
    detector_bytes: int = GIB,
    tps: int = TPS,
    say: Callable[[str], None] = lambda _line: None,
) -> Outcome:
    """Play the market through every service; strike while it plays; read what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    with receiving() as receiver, receiving() as moody:
        receiver.takes_s = NOTIFICATION_S
        for one in (receiver, moody):
            one.know_only_ours()
        async with (
            hostile_receiver() as webhook,
            _system(
                folder,
                market,
                {"hook": receiver.url, "harm": webhook.url(), "moody": moody.url},
                plant,
                detector_bytes=detector_bytes,
                tps=tps if faults else None,
            ) as (fleet, bus, api),
        ):
            supervisor = asyncio.create_task(fleet.supervise())
            luck = random.Random(seed)
            strikes = Strikes(fleet, bus, luck, api, TX_BYTES_MAX, webhook, moody)
            outcome = Outcome(Delivered())
            began_s = time.monotonic()
            try:
                await _strike(strikes, faults, outcome, say)
                await _played(fleet)
                outcome.seconds = time.monotonic() - began_s
                moody.always = TAKES
                await try_out(bus, "moody")
                await _drained(bus)
                await fleet.stop("ingest")
                await _drained(bus)
                kept = await read_kept(bus, await _folded_slot(bus))
            except AssertionError as failed:
                failed.add_note(await state(fleet, bus, outcome))
                raise
            finally:
                supervisor.cancel()
                await asyncio.gather(supervisor, return_exceptions=True)
                await fleet.stop()
            outcome.crashes = fleet.crashes
            logs = [log.read_text(errors="replace") for log in folder.glob("detector-*.log")]
            outcome.given_up = sum(log.count("sequence_gap_given_up") for log in logs)
            outcome.cuts = sum(log.count("hour_cut") for log in logs)
            outcome.delivered = await read_all(bus, receiver, moody)
            outcome.delivered.kept = kept
            return outcome


async def _strike(
    strikes: Strikes, faults: list[str], outcome: Outcome, say: Callable[[str], None]
) -> None:
    await _flowing(strikes.bus)
    for number, kind in enumerate(faults, start=1):
        await asyncio.sleep(strikes.luck.uniform(0.2, 1.4))
        player = strikes.fleet.source.player
        assert not player.done, f"the market ended before fault {number} ({kind})"
        pending = await strikes.strike(kind)
        outcome.landed.append((kind, pending))
        say(f"{number:4}/{len(faults)}  {kind:28} {pending}")


async def _flowing(bus: Bus) -> None:
    async def some() -> bool:
        return bool((await bus.api("STREAM.INFO.PW_SWAP"))["state"]["last_seq"] > 20)

    await poll_until(some, "the first batches", timeout_s=60)


async def _folded_slot(bus: Bus) -> int:
    """The newest slot that the detector evaluated: history closes the same ones."""
    entry = await bus.kv_get(subjects.BUCKET_DETECTOR, subjects.KEY_POSITION)
    assert entry is not None
    return int(msgspec.json.decode(entry[0])["released_slot"])


async def _played(fleet: Fleet) -> None:
    async def done() -> bool:
        return fleet.source.player.done

    await poll_until(done, "the end of the market", timeout_s=3_600)


async def _drained(bus: Bus) -> None:
    """Everything parsed, folded and delivered, and nothing new for a while."""
    before: list[int] = []

    async def still() -> bool:
        nonlocal before
        try:
            now = await _figures(bus)
        except (BrokerAway, ApiRefused):
            return False
        same, before = now == before, now
        return same and not any(now[3:])

    await poll_until(still, "an empty system", timeout_s=DRAIN_TIMEOUT_S, every_s=1.5)


async def _figures(bus: Bus) -> list[int]:
    parser = await bus.api("CONSUMER.INFO.PW_TX.parser")
    hook = await bus.api("CONSUMER.INFO.PW_ALERT.notifier-hook")
    moody = await bus.api("CONSUMER.INFO.PW_ALERT.notifier-moody")
    detector = await bus.api("CONSUMER.INFO.PW_SWAP.detector")
    ends = [
        int((await bus.api(f"STREAM.INFO.{one}"))["state"]["last_seq"])
        for one in ("PW_TX", "PW_SWAP", "PW_ALERT")
    ]
    waiting = [
        int(one["num_pending"]) + int(one["num_ack_pending"])
        for one in (parser, hook, moody, detector)
    ]
    return ends + waiting


@asynccontextmanager
async def _system(
    folder: Path,
    market: Path,
    hooks: Mapping[str, str],
    plant: tuple[str, str] | None,
    *,
    detector_bytes: int,
    tps: int | None,
) -> AsyncIterator[tuple[Fleet, Bus, str]]:
    source = replaying(
        list(read_capture(market)),
        rate="max" if tps is None else str(tps),
        # A public server does not wait for anybody, and its chain goes on without us.
        cut=tps is not None,
        keep_playing=tps is not None,
        window_slots=WINDOW_SLOTS,
    )
    async with (
        running_broker(folder / "broker") as broker,
        connected(broker) as bus,
        source as playing,
    ):
        await apply(bus, _topology(paced=tps is not None))
        await _configure(bus, hooks)
        fleet = Fleet(folder, broker, playing, plant)
        api = _start(fleet, detector_bytes)

        async def listening() -> bool:
            names = (await bus.api("CONSUMER.NAMES.PW_ALERT")).get("consumers") or []
            beats = await bus.kv_all(subjects.BUCKET_INSTANCES)
            return {"notifier-hook", "notifier-moody"} <= set(names) and len(beats) == 7

        try:
            await poll_until(listening, "readers before writers", timeout_s=60)
            fleet.start(
                "ingest",
                "pw_ingest",
                PW_INGEST_ENDPOINT=f"http://{playing.target}",
                PW_INGEST_PROGRAMS="all",
                # The market's days are over, so the clock bounds only what no chain could say.
                PW_INGEST_SOURCE_KIND="live",
            )
            yield fleet, bus, api
        finally:
            await fleet.stop()


def _start(fleet: Fleet, detector_bytes: int) -> str:
    for number in (1, 2):
        fleet.start(f"parser-{number}", "pw_parser")
        fleet.start(
            f"detector-{number}", "pw_detector", PW_DETECTOR_MEMORY_BYTES_MAX=str(detector_bytes)
        )
    fleet.start("notifier", "pw_notifier")
    fleet.start("history", "pw_history", PW_HISTORY_DIR=str(fleet.folder / "history"))
    port = free_port()
    asks = {"PW_API_TOKEN_FILE": str(token_file(fleet.folder))}
    fleet.start("api", "pw_api", PW_HTTP_LISTEN=f"127.0.0.1:{port}", **asks)
    return f"http://127.0.0.1:{port}"


def _topology(*, paced: bool) -> Topology:
    declared = small_topology(tx_bytes_max=TX_BYTES_MAX if paced else 256 * MIB)
    streams = tuple(
        replace(one, duplicate_window_s=ALERT_DUPLICATE_WINDOW_S)
        if one.name == subjects.STREAM_ALERT
        else one
        for one in declared.streams
    )
    return replace(declared, streams=streams)


async def _configure(bus: Bus, hooks: Mapping[str, str]) -> None:
    """A webhook for each URL; one must not gather what the broker held up into digests."""
    entries: list[dict[str, object]] = [
        {"name": name, "kind": "webhook", "url": url, "secret": "s" * 24}
        for name, url in hooks.items()
    ]
    entries[0]["late_after_s"] = 3_600
    body = msgspec.json.encode({"entries": entries})
    await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_CHANNELS, body)
