"""The live part of a run: alarms come and go while clients are cut at random and replicas are killed."""

import asyncio
import time
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

import httpx
from redis.asyncio import Redis as RedisClient
from tests.prove.alarm_system import kill_and_start
from tests.prove.checks import Violation
from tests.prove.live_checks import LiveEvidence, Told, live_violations
from tests.prove.live_clients import LiveClient
from tests.prove.live_system import REPLICAS, SHARDS, running_apis

from microgrid_common.adapters.redis.alarm_states import RedisAlarmStates
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.durable_log import START, RedisDurableLog
from microgrid_common.schemas.alert import AlertEvent
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID
from microgrid_common.schemas.streams import ALERTS_STREAM
from microgrid_common.testing.samples import append_readings, put_alerts, sample_reading, sample_record
from microgrid_common.testing.service_process import ServiceProcess

_GRID: Final = "village-1"
_GRIDS: Final = (_GRID, _GRID, _GRID, "village-2", PLATFORM_GRID_ID)
_CLIENTS: Final = 20
_BY_EVENTS_EVERY: Final = 4
"""Every so many clients use server-sent events."""
_STREAM_KEPT: Final = timedelta(seconds=3)
_TRIM_TAKES_AT_MOST: Final = timedelta(seconds=1)
_SLEEP_SECONDS: Final = 3 * _STREAM_KEPT.total_seconds()
_TRIM_EVERY_SECONDS: Final = 0.2
_TICK_SECONDS: Final = 0.02
_MOST_ACTIVE: Final = 20
_BETWEEN_CUTS_SECONDS: Final = (0.02, 0.12)
_KILL_EVERY: Final = 70
"""After so many cuts a replica is killed, too."""
_DOWN_SECONDS: Final = 0.3
_SETTLE_SECONDS: Final = 20.0
_ENTRIES_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveProof:
    """What the live part showed."""

    seconds: float
    clients: int
    cuts: int
    kills: int
    transitions: int
    """Of alarms that the clients had to hear."""
    heard: int
    """Of all clients together."""
    resumed: int
    gaps: int
    settled_after: float | None
    """Seconds from the last event until every promise held; None when that was never so."""
    violations: Sequence[Violation]


async def prove_live(*, seed: int, cuts: int, log_folder: Path, say: Callable[[str], None]) -> LiveProof:
    """Run the live part, and judge it.

    Args:
        seed: decides who is cut when.
        cuts: how many times, over all clients.
        log_folder: where the services keep their logs; must exist and be empty.
        say: tells a person how far it is.
    """
    started = time.monotonic()
    say(f"live: starting Redis and {len(REPLICAS)} replicas of the API")
    async with running_apis(log_folder) as (redis_url, services):
        client = make_client(redis_url)
        try:
            run = _LiveRun(client, services, Random(seed), say)
            await run.play_and_cut(cuts)
            evidence, settled_after = await run.settle()
        finally:
            await client.aclose()
    return LiveProof(
        seconds=time.monotonic() - started,
        clients=len(evidence.clients),
        cuts=sum(each.cuts for each in evidence.clients),
        kills=run.kills,
        transitions=sum(told.concerns_clients for told in evidence.history),
        heard=_count(evidence, "alert"),
        resumed=_count(evidence, "resumed"),
        gaps=_count(evidence, "gap"),
        settled_after=settled_after,
        violations=live_violations(evidence),
    )


def _count(evidence: LiveEvidence, kind: str) -> int:
    return sum(message.kind == kind for client in evidence.clients for message in client.heard)


class _LiveRun:
    def __init__(
        self,
        client: RedisClient,
        services: Mapping[int, ServiceProcess],
        random: Random,
        say: Callable[[str], None],
    ) -> None:
        self._redis = client
        self._log = RedisDurableLog(client)
        self._states = RedisAlarmStates(client)
        self._services = services
        self._random = random
        self._say = say
        self._ending = asyncio.Event()
        self._history: list[Told] = []
        self._milliseconds: list[int] = []
        self._read_up_to = START
        self._dropped = 0
        self._active: dict[str, list[int]] = {grid_id: [] for grid_id in _GRIDS}
        self._raised = 0
        self._readings: dict[str, float] = {}
        self._crashed: set[str] = set()
        self.kills = 0
        self._clients = [
            LiveClient(
                f"client-{number}",
                _GRID,
                ports=list(services),
                dropped=lambda: self._dropped,
                random=Random(random.random()),
                by_events=number % _BY_EVENTS_EVERY == 0,
            )
            for number in range(_CLIENTS)
        ]

    async def play_and_cut(self, cuts: int) -> None:
        self._listening = [asyncio.create_task(client.run()) for client in self._clients]
        self._say(f"live: {_CLIENTS} clients are cut {cuts} times, one sleeps past the stream's length")
        sleeper = self._clients[-1]
        async with asyncio.TaskGroup() as group:
            group.create_task(self._play())
            group.create_task(self._trim())
            sleeping = group.create_task(self._put_to_sleep(sleeper))
            for number in range(1, cuts + 1):
                await self._cut_one(besides=sleeper)
                if number % _KILL_EVERY == 0:
                    await self._kill_one()
            await sleeping
            self._ending.set()

    async def settle(self) -> tuple[LiveEvidence, float | None]:
        """Wait until every promise holds; the clients stay connected until then."""
        await self._trim_once()
        ended = time.monotonic()
        settled_after = None
        evidence = await self._evidence()
        while time.monotonic() - ended < _SETTLE_SECONDS:
            if not live_violations(evidence):
                settled_after = time.monotonic() - ended
                self._say(f"live: all has settled, {settled_after:.1f} s after the last event")
                break
            await asyncio.sleep(0.2)
            evidence = await self._evidence()
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)
        return evidence, settled_after

    async def _play(self) -> None:
        while not self._ending.is_set():
            grid_id = self._random.choice(_GRIDS)
            active = self._active[grid_id]
            now = datetime.now(UTC)
            if not active or (len(active) < _MOST_ACTIVE and self._random.random() < 0.6):
                self._raised += 1
                active.append(self._raised)
                await put_alerts(self._states, sample_record(now, number=self._raised, grid_id=grid_id))
            else:
                number = active.pop(self._random.randrange(len(active)))
                await put_alerts(
                    self._states, sample_record(now, number=number, grid_id=grid_id, cleared_at=now)
                )
            kilowatts = round(self._random.uniform(1, 20), 3)
            await append_readings(
                self._log, sample_reading(now, grid_id=_GRID, consumption_kw=kilowatts), shards=SHARDS
            )
            self._readings["consumption_kw"] = kilowatts
            await asyncio.sleep(_TICK_SECONDS)

    async def _trim(self) -> None:
        while not self._ending.is_set():
            await self._trim_once()
            await asyncio.sleep(_TRIM_EVERY_SECONDS)

    async def _trim_once(self) -> None:
        """Keep what is about to be dropped, and let the stream be as long as it may."""
        while page := await self._log.read_after(
            {ALERTS_STREAM: self._read_up_to}, count=_ENTRIES_AT_ONCE, wait=timedelta()
        ):
            self._read_up_to = page[-1].id
            self._history += [_told(AlertEvent.model_validate_json(entry.data)) for entry in page]
            self._milliseconds += [int(entry.id.partition("-")[0]) for entry in page]
        # Counted before: a client may hear of a gap before we hear how many were dropped.
        oldest = (datetime.now(UTC) - _STREAM_KEPT + _TRIM_TAKES_AT_MOST).timestamp() * 1_000
        self._dropped = bisect(self._milliseconds, oldest)
        await self._log.trim(ALERTS_STREAM, keep=_STREAM_KEPT)

    async def _put_to_sleep(self, client: LiveClient) -> None:
        await asyncio.sleep(1)
        client.may_connect.clear()
        client.cut()
        await asyncio.sleep(_SLEEP_SECONDS)
        client.slept = True
        client.may_connect.set()

    async def _cut_one(self, *, besides: LiveClient) -> None:
        while True:
            await asyncio.sleep(self._random.uniform(*_BETWEEN_CUTS_SECONDS))
            client = self._random.choice(self._clients)
            if client is not besides and client.cut():
                return

    async def _kill_one(self) -> None:
        self._look_at_processes()
        port = self._random.choice(list(self._services))
        await kill_and_start(self._services[port], down_seconds=_DOWN_SECONDS)
        self.kills += 1
        self._say(f"live: the replica at port {port} was killed, and started again")

    def _look_at_processes(self) -> None:
        self._crashed |= {f"at port {port}" for port, one in self._services.items() if one.has_ended}

    async def _evidence(self) -> LiveEvidence:
        self._look_at_processes()
        return LiveEvidence(
            history=tuple(self._history),
            clients=[client.evidence() for client in self._clients],
            alerts=await self._listed(),
            readings=dict(self._readings),
            crashed=sorted(self._crashed),
        )

    async def _listed(self) -> frozenset[str]:
        port = next(iter(self._services))
        headers = {"Authorization": "Bearer prototype_token"}
        found: set[str] = set()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as http:
            for grid_id in (_GRID, PLATFORM_GRID_ID):
                try:
                    answer = await http.get(f"/api/alerts/{grid_id}?status=active&limit=500")
                except httpx.HTTPError:
                    return frozenset()  # It is just being started again.
                found |= {alert["id"] for alert in answer.json()["alerts"]}
        return frozenset(found)


def _told(event: AlertEvent) -> Told:
    concerns_clients = event.alert.grid_id in {_GRID, PLATFORM_GRID_ID}
    return Told(event.alert.id, event.transition.value, concerns_clients)
