"""How a service begins: it waits for what it needs, says so, and then goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final, TypeVar

from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.jetstream.connection import connect
from pw_common.process.tasks import end_tasks, unless

if TYPE_CHECKING:
    from pw_common.service.run import CommonSettings, Runtime

T = TypeVar("T")

RETRY_S: Final = 0.5
# Each reason is logged once; the readiness always has the present one.
REASONS_MAX: Final = 16
# The first attempt is short, so that log and readiness soon say what is missing.
CONNECT_FIRST_S: Final = 2.0
CONNECT_S: Final = 10.0


class StoppedEarly(Exception):  # noqa: N818 - not an error
    """Asked to stop while still waiting for what the service needs."""


async def connected(runtime: Runtime, settings: CommonSettings) -> None:
    """Open the runtime's bus, however long it takes.

    Raises:
        StoppedEarly: stopped before there was a broker.
    """
    password = None
    if settings.nats_password_file is not None:
        password = settings.nats_password_file.read_text().strip()
    wait_s = CONNECT_FIRST_S

    async def opening() -> Bus:
        nonlocal wait_s
        this_s, wait_s = wait_s, CONNECT_S
        return await connect(
            settings.nats_url,
            runtime.service,
            runtime.log,
            user=settings.nats_user or None,
            password=password,
            ca_file=settings.nats_ca_file,
            closed=runtime.stop,
            wait_s=this_s,
            bus=runtime.bus,
        )

    await begun(runtime, opening)


async def begun(
    runtime: Runtime,
    attempt: Callable[[], Awaitable[T]],
    needs: Iterable[str] = (),
) -> T:
    """What `attempt` gives, tried until the broker has what it asks for.

    A broker that is not provisioned yet, or has no quorum, is not a reason to end: the log and
    the readiness say what is missing until it is there.

    Args:
        needs: Streams that must be there before `attempt` is worth a try.

    Raises:
        StoppedEarly: stopped while waiting.
    """

    async def once() -> T:
        for stream in needs:
            await there(runtime.bus, stream)
        return await attempt()

    said: set[str] = set()
    while not runtime.stop.is_set():
        trying = asyncio.create_task(once(), name="begin")
        stopping = asyncio.create_task(runtime.stop.wait(), name="begin-stop")
        try:
            await asyncio.wait({trying, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if trying.done():
                result = trying.result()
                if said:
                    runtime.log.info("service_begins")
                return result
        except (BrokerAway, ApiRefused) as error:
            reason = f"waits for the broker: {error}"
            if runtime.needs_broker:
                runtime.set_ready(reason)
            if reason not in said and len(said) < REASONS_MAX:
                said.add(reason)
                runtime.log.warning("service_waits", reason=reason)
        finally:
            await end_tasks(trying, stopping)
        await unless(runtime.stop, RETRY_S)
    raise StoppedEarly


async def there(bus: Bus, stream: str) -> None:
    """Nothing where the stream is there.

    Raises:
        BrokerAway: it has no leader now, or the broker did not answer.
        ApiRefused: there is no such stream; says what makes it.
    """
    subject = f"STREAM.INFO.{stream}"
    try:
        await bus.api(subject)
    except ApiRefused as error:
        raise ApiRefused(subject, error.err_code, f"{error.description}: run provision") from error
