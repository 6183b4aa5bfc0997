"""The channels as they are configured now, a test message on request, and the watch."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec

from pw_common.documents.channels import Channel, Channels, channels_of, stored_channels
from pw_common.documents.document import BadDocument
from pw_common.documents.signing_keys import PREFIX
from pw_common.jetstream.bus import ApiRefused, BrokerAway, Msg
from pw_common.jetstream.publishing.publisher import Publisher
from pw_common.jetstream.requests import Unanswered, answer_questions, respond
from pw_common.process.clock import now_ms
from pw_common.process.tasks import end_tasks
from pw_common.service.run import Runtime
from pw_common.text.redact import keep_secret
from pw_common.topology.subjects import ASK_NOTIFIER, BUCKET_CONFIG, KEY_CHANNELS
from pw_common.wire.alerts import Alert, alert_id, episode_id
from pw_notifier.channel_file import ChannelFile
from pw_notifier.config import Settings
from pw_notifier.core.policy import Sent
from pw_notifier.core.standing import Standing
from pw_notifier.delivery.dead_letters import DeadLetters
from pw_notifier.delivery.delivery import Delivery
from pw_notifier.delivery.durables import drop_durables, make_durable
from pw_notifier.delivery.resend import Resending
from pw_notifier.delivery.sending import Sender
from pw_notifier.http.bounded import bounded_client
from pw_notifier.http.exchange import DEADLINE_S
from pw_notifier.watch import watch

POLL_S: Final = 1.0
# Test messages under way at once; each is bounded by its exchange's deadline.
TESTS_MAX: Final = 8
# A name server that is away for a moment is not news for the other channels.
HELD_MS: Final = 10_000
# A channel that was changed has this long for an exchange under way, which may be two if its
# chat has moved, and for what follows at the broker.
ENDING_MAX_S: Final = 2 * DEADLINE_S + 10.0
# Most end at once, and start again in the same look.
SOON_S: Final = 0.6
# What a stop keeps for everything after the channels.
STOP_SPARE_S: Final = 6.0


async def run_notifier(settings: Settings, runtime: Runtime) -> None:
    """Deliver until stopped."""
    publisher = Publisher(
        runtime.bus,
        runtime.log,
        on_retry=lambda why: runtime.metrics.count("pw_publish_retries_total", why=why),
    )
    await publisher.start()
    async with bounded_client() as client:
        sender = Sender(
            client,
            settings.telegram_url,
            on_cut=lambda kind: runtime.metrics.count("pw_notifier_answers_cut_total", kind=kind),
            page_url=settings.page_url or "",
        )
        dead_letters = DeadLetters(publisher)
        running = _Channels(settings, runtime, sender, dead_letters)
        looking = asyncio.create_task(
            watch(settings, runtime, publisher, client, dead_letters), name="watch"
        )
        try:
            await running.answer_tests()
            while not runtime.stop.is_set():
                await running.follow()
                running.tell()
                if looking.done():
                    looking.result()
                await _pause(runtime.stop)
        finally:
            await end_tasks(looking)
            await running.stop()
            await publisher.stop()


class _Channels:
    """A task for each enabled channel; a changed one is started again."""

    def __init__(
        self, settings: Settings, runtime: Runtime, sender: Sender, dead_letters: DeadLetters
    ) -> None:
        self._settings = settings
        self._runtime = runtime
        self._file = ChannelFile(runtime.bus, settings.channels_file)
        self._sender = sender
        self._dead_letters = dead_letters
        self._tasks: dict[str, tuple[Delivery, asyncio.Task[None]]] = {}
        # How channels stood that were changed: what they held still goes out as a digest.
        self._stood: dict[str, Standing] = {}
        self._tests: set[asyncio.Task[None]] = set()
        # Channels that were changed while an exchange was under way: it comes to its end first.
        self._ending: dict[str, asyncio.Task[None]] = {}
        # Channels that are off, and whose durables say so.
        self._off: set[str] = set()
        self._resending = Resending(runtime, sender, self._find, self._works)
        # As they were when they could be read, and why they cannot now.
        self._last: Channels | None = None
        self._unreadable = ""

    async def follow(self) -> None:
        """Take up the present configuration; what cannot be read changes nothing."""
        try:
            trouble = await self._look()
            wanted = {one.name: one for one in self._entries if one.enabled}
            for name, (delivery, task) in list(self._tasks.items()):
                if wanted.get(name) != delivery.channel or task.done():
                    self._end(name, ENDING_MAX_S)
            await self._ended(SOON_S)
            kept = {one.name for one in self._entries}
            if not trouble:
                # Only a readable configuration says that a channel is gone: with its durable
                # goes what it has not delivered. A channel that is off keeps what it holds.
                have_one = await drop_durables(self._runtime, kept | self._ending.keys())
                await self._mark_off(have_one)
            for name in wanted.keys() - self._tasks.keys() - self._ending.keys():
                self._start(wanted[name])
            self._stood = {name: one for name, one in self._stood.items() if name in kept}
            self._runtime.set_ready(trouble)
            self._runtime.metrics.set("pw_configuration_unusable", int(bool(trouble)))
        except (BrokerAway, ApiRefused) as error:
            self._runtime.log.warning("channels_unread", reason=str(error))
            self._runtime.set_ready(f"waits for the broker: {error}")

    async def _mark_off(self, have_one: set[str]) -> None:
        off = [one for one in self._entries if not one.enabled]
        self._off &= {one.name for one in off}
        for one in off:
            if one.name in have_one and one.name not in self._off:
                await make_durable(self._runtime, one)
                self._off.add(one.name)

    def tell(self) -> None:
        """Say in readiness and heartbeat what a person should see to of each channel."""
        for name, (delivery, _) in self._tasks.items():
            self._say(name, delivery.says(), failing=bool(delivery.fails(held_ms=HELD_MS)))
        held = sum(one.standing.held for one, _ in self._tasks.values())
        self._runtime.metrics.set("pw_notifier_held", held)

    def _say(self, name: str, what: str, *, failing: bool = False) -> None:
        self._runtime.set_trouble(f"channel {name}", what, channel=name, failing=failing)

    async def stop(self) -> None:
        """End every channel: an exchange under way may still end, what waits comes again."""
        whole_s = self._settings.shutdown_timeout_s
        within_s = max(whole_s - STOP_SPARE_S, whole_s / 2)
        for name in list(self._tasks):
            self._end(name, within_s)
        await asyncio.gather(
            end_tasks(*self._tests), self._resending.stop(within_s), self._ended(whole_s)
        )

    async def answer_tests(self) -> None:
        """Send a test message through one channel whenever somebody asks."""
        await answer_questions(self._runtime.bus, ASK_NOTIFIER, "notifier", self._on_question)
        await self._resending.start()

    async def _on_question(self, message: Msg) -> None:
        """Each beside the others: a channel that hangs must not hold up the test of another."""
        if not message.reply:
            return
        if len(self._tests) >= TESTS_MAX:
            why = f"{TESTS_MAX} tests are under way: ask again in a few seconds"
            await message.respond(msgspec.json.encode({"error": why}))
            return
        task = asyncio.create_task(self._answer(message), name="channel-test")
        self._tests.add(task)
        task.add_done_callback(self._tests.discard)

    async def _answer(self, message: Msg) -> None:
        answer = msgspec.json.encode(await self._try_out(message.data))
        try:
            await respond(message, answer)
        except Unanswered as error:
            self._runtime.log.warning("test_unanswered", reason=error.why)

    async def _try_out(self, body: bytes) -> dict[str, Any]:
        try:
            name = msgspec.json.decode(body, type=dict[str, str])["channel"]
        except (msgspec.MsgspecError, KeyError):
            return {"error": "allowed: {channel: NAME}"}
        channel = self._find(name)
        if isinstance(channel, str):
            # Channels that cannot be read may well have one of that name.
            is_read = self._last is not None and not self._unreadable
            return {"error": channel, "is_unknown": is_read}
        answer = await self._sender.send(channel, [_test_alert()], late=False)
        if not isinstance(answer, Sent):
            return {"error": answer.why}
        self._works(name)
        return {"sent": True}

    def _works(self, name: str) -> None:
        """Something got through this channel."""
        if name in self._tasks:
            self._tasks[name][0].works()

    def _find(self, name: str) -> Channel | str:
        """The channel of that name, or a sentence that says why there is none."""
        known = {one.name: one for one in self._entries}
        if name in known:
            return known[name]
        if self._last is None:
            return (
                f"the channels cannot be read: {self._unreadable}"
                if self._unreadable
                else "the channels are not read yet: try again in a few seconds"
            )
        names = f"there are: {', '.join(known)}" if known else "there are none"
        why = f"; the channels as they are now cannot be read: {self._unreadable}"
        return f"there is no channel {name[:32]!r}; {names}{why if self._unreadable else ''}"

    @property
    def _entries(self) -> tuple[Channel, ...]:
        return self._last.entries if self._last is not None else ()

    async def _look(self) -> str:
        """Read the channels; empty, or why they cannot be read and what holds meanwhile."""
        entry = await self._runtime.bus.kv_get(BUCKET_CONFIG, KEY_CHANNELS)
        try:
            self._last = await self._of(entry[0] if entry is not None else None)
            for one in self._last.entries:
                keys = one.secret.split(" ")
                keys += [key.removeprefix(PREFIX) for key in keys]
                keep_secret(one.url, one.bot_token, one.access_token, *keys)
        except BrokerAway:
            # An OSError too, but it says nothing about the channels.
            raise
        except (BadDocument, OSError) as error:
            why = str(error)[:500]
            if why != self._unreadable:
                self._runtime.log.error("channels_unreadable", reason=why)
            self._unreadable = why
            meanwhile = (
                "the last good ones are used"
                if self._last is not None
                else "nothing is delivered or dropped"
            )
            return f"the channels cannot be read ({why}): {meanwhile}; set them again"
        self._unreadable = ""
        return ""

    async def _of(self, stored: bytes | None) -> Channels:
        return await self._file.channels() if stored is None else stored_channels(stored)

    def _start(self, channel: Channel) -> None:
        standing = self._stood.get(channel.name, Standing()).carried()
        delivery = Delivery(self._runtime, channel, self._sender, self._dead_letters, standing)
        task = asyncio.create_task(delivery.run(), name=f"channel-{channel.name}")
        self._tasks[channel.name] = (delivery, task)
        self._runtime.log.info("channel_started", channel=channel.name, channel_kind=channel.kind)

    def _end(self, name: str, within_s: float) -> None:
        delivery, task = self._tasks.pop(name)
        self._stood[name] = delivery.standing
        self._say(name, "")
        delivery.end()
        self._ending[name] = asyncio.create_task(_until_ended(task, within_s), name=f"end-{name}")

    async def _ended(self, within_s: float) -> None:
        """Wait for channels that end, but not for a channel that hangs: it delays only itself."""
        if self._ending:
            await asyncio.wait(self._ending.values(), timeout=within_s)
        for name, ending in list(self._ending.items()):
            if ending.done():
                del self._ending[name]
                ending.result()


async def _until_ended(task: asyncio.Task[None], within_s: float) -> None:
    """To cut an exchange off is to send its alerts twice, or never: its deadline comes first."""
    await asyncio.wait({task}, timeout=within_s)
    left = await end_tasks(task)
    if not left and not task.cancelled():
        # A bug crashes loudly.
        task.result()


BadChannels = BadDocument


def read_file(text: str) -> Channels:
    """Channels from YAML: `entries:` with a list. Raises BadChannels."""
    return channels_of(text.encode())


def _test_alert() -> Alert:
    at_ms = now_ms()
    episode = episode_id("", "test", at_ms)
    return Alert(
        id=alert_id(episode, 0), episode=episode, n=0, kind="sighted", trigger="test",
        severity="info", slot=0, opened_slot=0, event_time_ms=at_ms,
        title="Pocketwatcher: a test message", detail="This channel works.",
    )  # fmt: skip


async def _pause(stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), POLL_S)
    except TimeoutError:
        return
