"""The alert engine as a service."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from microgrid_alert_engine.engine import REDIS, AlertEngine
from microgrid_alert_engine.rules import PROTOTYPE_RULES, Rule
from microgrid_common.ports.alert_store import AlertStore
from microgrid_common.ports.durable_log import DurableLog, LogConsumer
from microgrid_common.ports.evaluation_progress import EvaluationProgress
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.runtime.health import Ping
from microgrid_common.runtime.tasks import run_until_stopped

ALERT_ENGINE_GROUP = "alert_engine"

ENTRIES_PER_READ = 20
"""An entry holds up to a thousand readings: enough for a step that a crash makes do again."""

_WAIT = timedelta(seconds=1)
"""How late the end of a quiet period may be noticed."""


@dataclass(frozen=True, slots=True)
class AlertEnginePorts:
    """What the alert engine needs from outside."""

    consumer: LogConsumer
    """Its place in the consumer group of the readings."""
    alerts: AlertStore
    progress: EvaluationProgress
    log: DurableLog
    """For the quarantine."""

    @property
    def dependencies(self) -> dict[str, Ping]:
        """What `/readyz` asks."""
        return {REDIS: self.alerts.ping}


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def run(
    ports: AlertEnginePorts,
    *,
    notice_quiet: timedelta,
    stop: asyncio.Event,
    rules: Iterable[Rule] = PROTOTYPE_RULES,
    clock: Callable[[], datetime] = _utc_now,
) -> None:
    """Raise and clear alerts until `stop` is set.

    Args:
        ports: what it needs from outside.
        notice_quiet: an alert that rests on a device's own notices alone ends after so long without one.
        stop: set it to end.
        rules: what to judge readings by.
        clock: the time, aware.
    """
    engine = AlertEngine(
        alerts=ports.alerts,
        progress=ports.progress,
        durable_log=ports.log,
        rules=rules,
        notice_quiet=notice_quiet,
        clock=clock,
    )
    await run_until_stopped(stop, alert_engine=_consume(ports.consumer, engine))


async def _consume(consumer: LogConsumer, engine: AlertEngine) -> None:
    await engine.restore()
    while True:
        entries = await until_it_works(
            lambda: consumer.read(count=ENTRIES_PER_READ, wait=_WAIT), dependency=REDIS
        )
        if entries:
            await engine.process(entries)
            await until_it_works(lambda: consumer.acknowledge(entries), dependency=REDIS)  # noqa: B023 - awaited here
        await engine.end_silent_alerts()
