"""Runs every service of the system side by side."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import microgrid_alert_engine.notifier.service
import microgrid_alert_engine.service
import microgrid_api.service
import microgrid_ingestor.service
import microgrid_simulator.service
from microgrid_common.runtime.health import check_readiness
from microgrid_common.schemas.alarm_rule import AlarmRuleDraft
from microgrid_standalone.settings import StandaloneSettings
from microgrid_standalone.wiring import System

_POLL_SECONDS = 0.05


async def run(
    system: System,
    settings: StandaloneSettings,
    *,
    default_rules: Sequence[AlarmRuleDraft],
    stop: asyncio.Event,
    on_ready: Callable[[], None],
) -> None:
    """Run until `stop` is set.

    Args:
        system: the ports of every service.
        settings: what the services are told.
        default_rules: the alarm rules to begin with.
        stop: ends it.
        on_ready: called once, when every dependency answers.
    """
    async with asyncio.TaskGroup() as group:
        group.create_task(
            microgrid_alert_engine.service.run(
                system.alert_engine,
                default_rules=default_rules,
                notice_quiet=timedelta(seconds=settings.notice_quiet_seconds),
                shards=settings.stream_shards,
                stop=stop,
            ),
            name="alert-engine",
        )
        group.create_task(
            microgrid_alert_engine.notifier.service.run(
                system.notifier, name=settings.notifier_name, stop=stop
            ),
            name="notifier",
        )
        group.create_task(
            microgrid_ingestor.service.run(
                system.ingestor,
                shards=settings.stream_shards,
                stream_keep=timedelta(minutes=settings.stream_keep_minutes),
                quarantine_limits=settings.quarantine_limits,
                backfill_policy=settings.backfill_policy,
                backfill_requests_per_second=settings.backfill_requests_per_second,
                link_rules=settings.link_rules,
                only_registered=settings.only_registered,
                stop=stop,
            ),
            name="ingestor",
        )
        group.create_task(
            microgrid_api.service.run(
                system.api,
                host=settings.api_host,
                port=settings.api_port,
                stream_shards=settings.stream_shards,
                cors_origins=settings.api_cors_origins,
                trusted_proxies=list(map(str, settings.api_trusted_proxies)),
                live_clients_limit=settings.api_live_clients,
                longest_shelving=timedelta(hours=settings.api_longest_shelving_hours),
                hsts_seconds=settings.api_hsts_seconds,
                user_requests_per_second=settings.api_user_requests_per_second,
                address_requests_per_second=settings.api_address_requests_per_second,
                stop=stop,
            ),
            name="api",
        )
        if system.simulator:
            group.create_task(
                microgrid_simulator.service.run(
                    system.simulator,
                    interval=timedelta(seconds=settings.simulator_interval_seconds),
                    stop=stop,
                ),
                name="simulator",
            )
        await _announce(system, on_ready, stop)


async def _announce(system: System, on_ready: Callable[[], None], stop: asyncio.Event) -> None:
    while not stop.is_set():
        readiness = await check_readiness(system.dependencies)
        if readiness.ready:
            on_ready()
            return
        await asyncio.sleep(_POLL_SECONDS)
