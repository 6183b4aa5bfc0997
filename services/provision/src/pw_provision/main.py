"""Wire: settings, connect, apply, say what was done; exit, or apply again and again."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

import uvloop

from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.jetstream.connection import connect
from pw_common.process.clock import monotonic_s
from pw_common.process.exit_codes import EXIT_OK, EXIT_UNAVAILABLE
from pw_common.process.log import Log, setup
from pw_common.process.version import VERSION
from pw_common.service import settings as st
from pw_common.service.run import CommonSettings, Runtime, run_service
from pw_common.service.settings import load_or_exit, setting
from pw_common.topology.streams import GIB, Topology, declare
from pw_provision.apply import Outcome, apply_all
from pw_provision.keep import Keeper

EXIT_REFUSED = 1
MIB = 1024 * 1024
# A cluster that is just starting says it is healthy before it has a leader, and places
# nothing until all its nodes are there.
CLUSTER_FORMS_S = 60.0
AGAIN_S = 1.0
NO_SUITABLE_PEERS = 10005
TEMPORARILY_UNAVAILABLE = 10008
FORMING = frozenset({NO_SUITABLE_PEERS, TEMPORARILY_UNAVAILABLE})


@dataclass(frozen=True)
class Settings(CommonSettings):
    """What an operator sizes; the rest of the topology is the design's."""

    tx_bytes_max: int = setting(
        "PW_TX_BYTES_MAX",
        "Limit of PW_TX in bytes: when it is full, ingest waits",
        default=8 * GIB,
        check=st.between(MIB, 2**50),
    )
    swap_bytes_max: int = setting(
        "PW_SWAP_BYTES_MAX",
        "Limit of PW_SWAP in bytes: the oldest swaps leave first",
        default=4 * GIB,
        check=st.between(MIB, 2**50),
    )
    replicas: int = setting(
        "PW_STREAM_REPLICAS",
        "Copies of each stream: 1, or 3 on a cluster",
        default=1,
        check=st.between(1, 5),
    )
    every_s: float = setting(
        "PW_PROVISION_EVERY_S",
        "Apply the declaration again this often, and repair what differs; 0: once, then end",
        default=0.0,
        check=st.between(0, 86_400),
    )

    def topology(self) -> Topology:
        """The declaration in these sizes."""
        return declare(
            tx_bytes_max=self.tx_bytes_max,
            swap_bytes_max=self.swap_bytes_max,
            replicas=self.replicas,
        )


def main() -> int:
    """Returns 0 when the broker is as declared, 1 when it must not be changed, 69 when away.

    With PW_PROVISION_EVERY_S it runs until it is stopped.
    """
    settings = load_or_exit(Settings)
    if not settings.every_s:
        return uvloop.run(_once(settings))

    async def body(runtime: Runtime) -> None:
        await Keeper(runtime, settings.topology()).run(settings.every_s)

    return run_service("provision", settings, body)


async def _once(settings: Settings) -> int:
    log = setup("provision", VERSION, level=settings.log_level, format_=settings.log_format)
    password = None
    if settings.nats_password_file is not None:
        password = settings.nats_password_file.read_text().strip()
    try:
        bus = await connect(
            settings.nats_url,
            "provision",
            log,
            user=settings.nats_user or None,
            password=password,
            wait_s=30.0,
        )
    except BrokerAway as error:
        sys.stderr.write(f"provision: {error}\n")
        return EXIT_UNAVAILABLE
    try:
        outcome = await _applied(bus, settings.topology(), log)
        for change in outcome.changes:
            log.info("provisioned", name=change.name, done=change.done)
        for refused in outcome.refused:
            sys.stderr.write(f"provision: {refused}\n")
    except (BrokerAway, ApiRefused) as error:
        sys.stderr.write(f"provision: {error}\n")
        return EXIT_UNAVAILABLE
    finally:
        await bus.close()
    return EXIT_REFUSED if outcome.refused else EXIT_OK


async def _applied(bus: Bus, topology: Topology, log: Log) -> Outcome:
    """`apply_all`, again and again while a cluster forms; it is idempotent."""
    until_s = monotonic_s() + CLUSTER_FORMS_S
    while True:
        try:
            return await apply_all(bus, topology)
        except (BrokerAway, ApiRefused) as error:
            forming = isinstance(error, BrokerAway) or error.err_code in FORMING
            if not forming or monotonic_s() > until_s:
                raise
            log.info("provision_waits", reason=str(error))
        await asyncio.sleep(AGAIN_S)
