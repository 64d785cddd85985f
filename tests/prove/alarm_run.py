"""The alarm part of a run: episodes played to two engines that are killed, and told by the notifier."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from redis.asyncio import Redis as RedisClient
from tests.prove.alarm_checks import (
    AlarmEvidence,
    AlarmFigures,
    EngineKill,
    History,
    Notification,
    alarm_figures,
    alarm_violations,
    by_grid,
    delays_running,
)
from tests.prove.alarm_replay import replay
from tests.prove.alarm_scene import (
    GATEWAY,
    METRIC,
    NORMAL_KW,
    PERIOD_SECONDS,
    Episode,
    Measured,
    expected_episodes,
    fleet,
    gateway_children,
    gateway_episodes,
    gateway_loss,
    load_of,
)
from tests.prove.alarm_system import ENGINES, SHARDS, AlarmSystem, kill_and_start, running_alarm_system
from tests.prove.checks import Violation
from tests.prove.evidence import Device

from microgrid_common.adapters.redis.alert_records import RedisAlertRecords
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.durable_log import START, RedisDurableLog
from microgrid_common.adapters.redis.rule_store import RedisRuleStore
from microgrid_common.ports.durable_log import Entry, Record
from microgrid_common.schemas.alert import AlertEvent
from microgrid_common.schemas.reading import Reading, encode_readings
from microgrid_common.schemas.streams import (
    ALERTS_STREAM,
    LINK_KIND,
    READINGS_KIND,
    readings_stream_of,
    readings_streams,
)
from microgrid_common.transforms.alarms.rule_plan import RulePlan

_NOTICE_QUIET = timedelta(minutes=10)
"""Nobody sends notices; the engines' default."""
_SLICES = 20
"""A second's readings come in so many portions."""
_WARM_UP_SECONDS = 6.0
_LAST_SECONDS = 4
"""Seconds of normal load in the end, so that what was raised ends."""
_SETTLE_SECONDS = 40.0
_STILL_SECONDS = 6.0
"""Longer than a lease: what a dead engine left may come a second time until then."""
_UP_SECONDS = (1.0, 2.5)
_DOWN_SECONDS = (0.2, 1.5)
_BOTH_EVERY = 5
"""Every so many kills both engines die."""
_ENTRIES_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmProof:
    """What the alarm part showed."""

    seconds: float
    devices: int
    figures: AlarmFigures
    kills: Sequence[EngineKill]
    delays_at_kills: Sequence[int]
    """For each kill, how many on-delays were running."""
    settled_after: float | None
    """Seconds from the last reading until every promise held; None when that was never so."""
    violations: Sequence[Violation]


async def prove_alarms(
    *, seed: int, kills: int, devices: int, log_folder: Path, say: Callable[[str], None]
) -> AlarmProof:
    """Run the alarm part, and judge it.

    Args:
        seed: decides when which engine is killed.
        kills: how many times.
        devices: how many have episodes.
        log_folder: where the services keep their logs; must exist and be empty.
        say: tells a person how far it is.
    """
    started = time.monotonic()
    say(f"alarms: starting Redis, Mosquitto, {len(ENGINES)} alert engines and the notifier")
    async with running_alarm_system(log_folder) as system:
        client = make_client(system.redis_url)
        try:
            run = _AlarmRun(system, client, fleet(devices), say)
            await run.play_and_kill(Random(seed), kills)
            evidence, violations, settled_after = await run.settle()
        finally:
            await client.aclose()
    return AlarmProof(
        seconds=time.monotonic() - started,
        devices=devices,
        figures=alarm_figures(evidence),
        kills=evidence.kills,
        delays_at_kills=[delays_running(evidence.expected, kill.at) for kill in evidence.kills],
        settled_after=settled_after,
        violations=violations,
    )


class _AlarmRun:
    def __init__(
        self, system: AlarmSystem, client: RedisClient, devices: Sequence[Device], say: Callable[[str], None]
    ) -> None:
        self._system = system
        self._client = client
        self._log = RedisDurableLog(client)
        self._devices = devices
        self._say = say
        self._measured: dict[Device, list[Measured]] = defaultdict(list)
        self._of_gateway: list[Episode] = []
        self._kills: list[EngineKill] = []
        self._crashed: set[str] = set()

    async def play_and_kill(self, random: Random, kills: int) -> None:
        self._say(f"alarms: {len(self._devices)} devices have an episode every {PERIOD_SECONDS} s")
        ending = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._play(ending))
            await asyncio.sleep(_WARM_UP_SECONDS)
            for number in range(1, kills + 1):
                if number == kills // 2:
                    # Shortly before a kill, so that it falls into the delays of these alarms too.
                    await self._lose_gateway()
                await self._kill(random, number, kills)
            ending.set()

    async def settle(self) -> tuple[AlarmEvidence, list[Violation], float | None]:
        """Wait until every promise holds, and see whether it goes on to."""
        ended = time.monotonic()
        settled_after = None
        while time.monotonic() - ended < _SETTLE_SECONDS:
            if not alarm_violations(await self._evidence()):
                settled_after = time.monotonic() - ended
                self._say(f"alarms: all has settled, {settled_after:.1f} s after the last reading")
                break
            await asyncio.sleep(1)
        await asyncio.sleep(_STILL_SECONDS)
        evidence = await self._evidence()
        return evidence, alarm_violations(evidence), settled_after

    async def _play(self, ending: asyncio.Event) -> None:
        started = time.monotonic()
        second, last_second = 0, None
        while last_second is None or second < last_second:
            if ending.is_set() and last_second is None:
                last_second = second + _LAST_SECONDS
            for portion in range(_SLICES):
                await asyncio.sleep(max(0.0, started + second + portion / _SLICES - time.monotonic()))
                numbers = range(portion, len(self._devices), _SLICES)
                await self._append(numbers, None if last_second else second)
            second += 1

    async def _append(self, numbers: Sequence[int], second: int | None) -> None:
        now = datetime.now(UTC)
        at = now.replace(microsecond=now.microsecond // 1_000 * 1_000)
        by_grid_id: dict[str, list[Reading]] = defaultdict(list)
        for number in numbers:
            device = self._devices[number]
            kilowatts = NORMAL_KW if second is None else load_of(number, second)
            self._measured[device].append(Measured(at, kilowatts))
            by_grid_id[device.grid_id].append(
                Reading(
                    grid_id=device.grid_id,
                    device_id=device.device_id,
                    timestamp=at,
                    received_at=now,
                    metrics={METRIC: kilowatts},
                )
            )
        await self._log.append(
            [
                Record(readings_stream_of(grid_id, SHARDS), READINGS_KIND, encode_readings(readings))
                for grid_id, readings in by_grid_id.items()
            ]
        )

    async def _lose_gateway(self) -> None:
        at = datetime.now(UTC)
        stream = readings_stream_of(GATEWAY.grid_id, SHARDS)
        await self._log.append(
            [Record(stream, LINK_KIND, event.model_dump_json().encode()) for event in gateway_loss(at)]
        )
        self._of_gateway = gateway_episodes(at)
        self._say(f"alarms: the gateway of {len(gateway_children())} devices is lost")

    async def _kill(self, random: Random, number: int, kills: int) -> None:
        await self._system.until_ready()
        await asyncio.sleep(random.uniform(*_UP_SECONDS))
        self._look_at_processes()
        names = ENGINES if number % _BOTH_EVERY == 0 else (ENGINES[number % len(ENGINES)],)
        down_seconds = random.uniform(*_DOWN_SECONDS)
        at, began = datetime.now(UTC), time.monotonic()
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(kill_and_start(self._system.services[name], down_seconds=down_seconds))
        self._kills.append(EngineKill(names, at, time.monotonic() - began))
        self._say(f"alarms: kill {number}/{kills} {' and '.join(names)}: away for {down_seconds:.1f} s")

    def _look_at_processes(self) -> None:
        self._crashed |= {name for name, service in self._system.services.items() if service.has_ended}

    async def _evidence(self) -> AlarmEvidence:
        self._look_at_processes()
        entries = [entry for stream in readings_streams(SHARDS) for entry in await self._entries(stream)]
        events = [AlertEvent.model_validate_json(entry.data) for entry in await self._entries(ALERTS_STREAM)]
        records = RedisAlertRecords(self._client)
        ids = {event.alert.id for event in events}
        found = {alert_id: alert for alert_id in ids if (alert := await records.get(alert_id))}
        return AlarmEvidence(
            expected=[*expected_episodes(self._measured), *self._of_gateway],
            history=History(by_grid(events), found),
            replayed=await self._replayed(entries),
            notifications=[_notification(request.body) for request in self._system.sink.requests],
            kills=tuple(self._kills),
            crashed=sorted(self._crashed),
        )

    async def _replayed(self, entries: Sequence[Entry]) -> History:
        book = await RedisRuleStore(self._client).book()
        parents = dict.fromkeys(gateway_children(), GATEWAY.device_id)
        plan = RulePlan(book.rules, book.windows)
        return replay(entries, plan, parents=parents, notice_quiet=_NOTICE_QUIET)

    async def _entries(self, stream: str) -> list[Entry]:
        found: list[Entry] = []
        position = START
        while page := await self._log.read_after(
            {stream: position}, count=_ENTRIES_AT_ONCE, wait=timedelta()
        ):
            found += page
            position = page[-1].id
        return found


def _notification(body: bytes) -> Notification:
    document = json.loads(body)
    return Notification(document["message_id"], tuple(document["alert_ids"]))
