"""The alert engine as a service."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from microgrid_alert_engine.alarm_metrics import sample_alarms
from microgrid_alert_engine.announcer import Announcer
from microgrid_alert_engine.engine import REDIS, AlertEngine
from microgrid_alert_engine.families import Families
from microgrid_alert_engine.retention import forget_old_alerts
from microgrid_alert_engine.rule_watch import RuleWatch
from microgrid_alert_engine.ticks import Ticker
from microgrid_common.ports.alarm_states import AlarmStates
from microgrid_common.ports.alert_records import AlertRecords
from microgrid_common.ports.device_registry import DeviceRegistry
from microgrid_common.ports.durable_log import DurableLog, LogConsumer
from microgrid_common.ports.errors import PermanentError
from microgrid_common.ports.message_publisher import MessagePublisher
from microgrid_common.ports.rule_store import RuleStore
from microgrid_common.runtime.alarm_desk import PlatformAlarms
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.runtime.health import Ping
from microgrid_common.runtime.tasks import keep_running, run_until_stopped
from microgrid_common.schemas.alarm_rule import AlarmRuleDraft

log = structlog.get_logger()

ALERT_ENGINE_GROUP: Final = "alert_engine"

ENTRIES_PER_READ: Final = 20
"""An entry holds up to a thousand readings: enough for a step that a crash makes do again."""

_WAIT: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class AlertEnginePorts:
    """What the alert engine needs from outside."""

    consumer: LogConsumer
    """Its place in the consumer group of the readings."""
    announcer: LogConsumer
    """Its place in the consumer group of the `alerts` stream."""
    states: AlarmStates
    records: AlertRecords
    rules: RuleStore
    devices: DeviceRegistry
    publisher: MessagePublisher
    """Tells the broker's clients about alerts."""
    log: DurableLog
    """For ticks and the quarantine."""

    @property
    def dependencies(self) -> dict[str, Ping]:
        """What `/readyz` asks. The broker is none of them: alarms do not wait for it."""
        return {REDIS: self.states.ping}


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def run(
    ports: AlertEnginePorts,
    *,
    default_rules: Sequence[AlarmRuleDraft],
    notice_quiet: timedelta,
    shards: int,
    stop: asyncio.Event,
    clock: Callable[[], datetime] = _utc_now,
) -> None:
    """Look after alarms until `stop` is set.

    Args:
        ports: what it needs from outside.
        default_rules: rules to begin with, checked; one that was ever stored before stays as it is.
        notice_quiet: an alert that rests on a device's own notices alone ends after so long without one.
        shards: into how many streams the readings are divided.
        stop: set it to end.
        clock: the time, aware.
    """
    ticker = Ticker(ports.states, ports.log, shards=shards, clock=clock)
    families = Families(ports.devices, records=ports.records, ticker=ticker)
    rules = RuleWatch(
        ports.rules,
        records=ports.records,
        platform=PlatformAlarms(ports.states),
        ticker=ticker,
        clock=clock,
    )
    engine = AlertEngine(
        states=ports.states,
        durable_log=ports.log,
        rules=rules,
        families=families,
        ticker=ticker,
        notice_quiet=notice_quiet,
        clock=clock,
    )
    announcer = Announcer(ports.announcer, records=ports.records, publisher=ports.publisher, clock=clock)

    def beside(task: Callable[[], Awaitable[None]], name: str) -> Coroutine[Any, Any, None]:
        return _after(rules, lambda: keep_running(task, name=name))

    await run_until_stopped(
        stop,
        alarm_rules=keep_running(lambda: _keep_rules(ports.rules, default_rules, rules), name="alarm_rules"),
        families=beside(families.keep_fresh, "families"),
        ticks=beside(ticker.run, "ticks"),
        announcer=beside(announcer.run, "announcer"),
        retention=beside(lambda: forget_old_alerts(ports.records, clock=clock), "alert_retention"),
        alarm_metrics=beside(lambda: sample_alarms(ports.records), "alarm_metrics"),
        alert_engine=_after(rules, lambda: _consume(ports.consumer, engine, families)),
    )


async def _keep_rules(store: RuleStore, defaults: Sequence[AlarmRuleDraft], rules: RuleWatch) -> None:
    try:
        seeded = await until_it_works(lambda: store.seed(defaults), dependency=REDIS)
    except PermanentError:
        log.exception("default_rules_refused")
    else:
        log.info("default_rules_stored", new=seeded)
    await rules.keep_fresh()


async def _after(rules: RuleWatch, task: Callable[[], Awaitable[None]]) -> None:
    """Begin when the rules are there: nothing is judged without them."""
    await rules.wait()
    await task()


async def _consume(consumer: LogConsumer, engine: AlertEngine, families: Families) -> None:
    await families.refresh()
    while True:
        entries = await until_it_works(
            lambda: consumer.read(count=ENTRIES_PER_READ, wait=_WAIT), dependency=REDIS
        )
        if entries:
            await engine.process(entries)
            await until_it_works(lambda: consumer.acknowledge(entries), dependency=REDIS)  # noqa: B023 - awaited here
