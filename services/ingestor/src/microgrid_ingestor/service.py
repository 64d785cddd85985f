"""The ingestor: receiver, historian, roll-ups and ledger side by side."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from microgrid_common.ports.command_store import CommandStore
from microgrid_common.ports.device_registry import DeviceRegistry
from microgrid_common.ports.durable_log import DurableLog, LogConsumer
from microgrid_common.ports.grid_store import GridStore
from microgrid_common.ports.ledger_store import LedgerStore
from microgrid_common.ports.link_store import LinkStore
from microgrid_common.ports.message_publisher import MessagePublisher
from microgrid_common.ports.message_source import MessageSource
from microgrid_common.ports.quarantine import Quarantine, QuarantineLimits
from microgrid_common.ports.rollup_queue import RollupQueue
from microgrid_common.ports.rollup_store import RollupStore
from microgrid_common.ports.telemetry_store import TelemetryStore
from microgrid_common.runtime.alarm_desk import PlatformAlarms
from microgrid_common.runtime.grid_labels import GridLabels
from microgrid_common.runtime.health import Ping
from microgrid_common.runtime.tasks import keep_running, run_until_stopped
from microgrid_common.transforms.ledger.asking import BackfillPolicy
from microgrid_common.transforms.link_rules import LinkRules
from microgrid_ingestor.backfill import ask_for_missing
from microgrid_ingestor.capacity_alerts import tell_operators
from microgrid_ingestor.command_keeper import CommandKeeper
from microgrid_ingestor.device_desk import DeviceDesk
from microgrid_ingestor.device_directory import DeviceDirectory
from microgrid_ingestor.fleet_metrics import sample_fleet
from microgrid_ingestor.historian import write_history
from microgrid_ingestor.ledger import keep_ledgers
from microgrid_ingestor.link_keeper import LinkKeeper
from microgrid_ingestor.log_capacity import LogCapacity
from microgrid_ingestor.receiver import receive_messages
from microgrid_ingestor.retention import bound_quarantine, forget_old_data, trim_streams
from microgrid_ingestor.rollup_worker import RollupPorts, make_rollups, utc_now
from microgrid_ingestor.stream_metrics import sample_streams


@dataclass(frozen=True, slots=True)
class IngestorPorts:
    """What the ingestor needs from outside."""

    source: MessageSource
    log: DurableLog
    log_capacity: LogCapacity
    """How full `log` is."""
    consumer: LogConsumer
    """The historian's place in its consumer group."""
    store: TelemetryStore
    quarantine: Quarantine
    rollup_queue: RollupQueue
    rollups: RollupStore
    grids: GridStore
    """In which time zone a grid's hours are."""
    ledger_consumer: LogConsumer
    """The ledger's place in its consumer group."""
    ledgers: LedgerStore
    publisher: MessagePublisher
    """Publishes to devices."""
    alarms: PlatformAlarms
    """For alerts about the platform itself."""
    devices: DeviceRegistry
    links: LinkStore
    commands: CommandStore

    @property
    def dependencies(self) -> dict[str, Ping]:
        """What `/readyz` asks."""
        return {
            "mqtt": self.source.ping,
            "redis": self.log.ping,
            "log_capacity": self.log_capacity.ping,
            "telemetry_store": self.store.ping,
            "rollup_store": self.rollups.ping,
        }


async def run(
    ports: IngestorPorts,
    *,
    shards: int,
    stream_keep: timedelta,
    quarantine_limits: QuarantineLimits,
    backfill_policy: BackfillPolicy,
    backfill_requests_per_second: int,
    link_rules: LinkRules,
    only_registered: bool,
    stop: asyncio.Event,
) -> None:
    """Ingest until `stop` is set.

    Args:
        ports: what it needs from outside.
        shards: into how many streams the readings are divided.
        stream_keep: how long an entry stays in the streams at least.
        quarantine_limits: how much quarantine may hold.
        backfill_policy: when to ask a device for what is missing, and how often.
        backfill_requests_per_second: how many such requests all replicas together may publish.
        link_rules: how long to wait before something is believed of a device's link.
        only_registered: whether to put in quarantine what unregistered devices send.
        stop: set it to end.
    """
    directory = DeviceDirectory(ports.devices)
    keeper = LinkKeeper(ports.links, directory, rules=link_rules, shards=shards, clock=utc_now)
    commands = CommandKeeper(ports.commands, ports.publisher, ports.log, clock=utc_now)
    desk = DeviceDesk(directory, keeper, commands, only_registered=only_registered)
    await run_until_stopped(
        stop,
        historian=write_history(ports.consumer, ports.store, ports.log, ports.rollup_queue),
        receiver=receive_messages(ports.source, ports.log_capacity, devices=desk, shards=shards),
        device_directory=keep_running(directory.keep_fresh, name="device_directory"),
        links=keep_running(partial(keeper.run, ports.source), name="links"),
        commands=keep_running(commands.run, name="commands"),
        retention=trim_streams(ports.log, ports.log_capacity, shards=shards, keep=stream_keep),
        quarantine=keep_running(
            partial(bound_quarantine, ports.quarantine, limits=quarantine_limits), name="quarantine"
        ),
        rollups=keep_running(
            partial(make_rollups, RollupPorts(ports.rollup_queue, ports.store, ports.rollups, ports.grids)),
            name="rollups",
        ),
        forget_old_data=keep_running(partial(forget_old_data, ports.store, ports.rollups), name="forget"),
        ledger=keep_ledgers(
            ports.ledger_consumer,
            ports.log,
            ports.ledgers,
            grace=backfill_policy.grace,
            clock=utc_now,
        ),
        backfill=keep_running(
            partial(
                ask_for_missing,
                ports.ledgers,
                ports.publisher,
                policy=backfill_policy,
                requests_per_second=backfill_requests_per_second,
                clock=utc_now,
            ),
            name="backfill",
        ),
        stream_metrics=keep_running(
            partial(sample_streams, ports.log, ports.log_capacity, ports.quarantine, shards=shards),
            name="stream_metrics",
        ),
        fleet_metrics=keep_running(partial(sample_fleet, ports.links, GridLabels()), name="fleet_metrics"),
        capacity_alerts=keep_running(
            partial(tell_operators, ports.log_capacity, ports.alarms, clock=utc_now), name="capacity_alerts"
        ),
    )
