"""Readings through alarm rules: the evaluation alone, the engine on real Redis, and reading → alert."""

import asyncio
import json
import signal
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from benchmarks.alarm_scene import DEVICES, HIGH_LOAD, SHARDS, is_in_alarm, reading, record_of, records, rules
from benchmarks.distribution import Distribution
from benchmarks.measured_process import MeasuredProcess, measured_process
from benchmarks.report import bar
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.ports.durable_log import Record
from microgrid_common.schemas.alarm_rule import AlarmRule
from microgrid_common.schemas.alert import AlertEvent, AlertTransition
from microgrid_common.schemas.reading import Reading, decode_readings
from microgrid_common.schemas.streams import ALERTS_STREAM, readings_streams
from microgrid_common.testing.servers import mosquitto, redis_server
from microgrid_common.testing.waiting import free_port, wait_until
from microgrid_common.transforms.alarms.documents import DeviceAlarms, GridAlarms
from microgrid_common.transforms.alarms.evaluation import GridEvaluation
from microgrid_common.transforms.alarms.rule_plan import RulePlan

SECONDS = 1_000
READINGS = SECONDS * DEVICES
ROUNDS = 3
RATE = 1_000
"""Readings a second, where the time until an alert counts."""
LATENCY_SECONDS = 20
WARM_UP_SECONDS = 2

_BAR_READINGS_PER_SECOND = 50_000
_BAR_MILLISECONDS = 50
_ENTRIES_AT_ONCE = 20
"""As the engine reads them."""
_APPENDED_AT_ONCE = 50
_APPENDS_PER_SECOND = 100
_GROUP = b"alert_engine"
_READY_SECONDS = 40.0
_TIME_LIMIT_SECONDS = 120.0
_LAST_SECONDS = 10.0
_POLL_SECONDS = 0.01

_DocumentsOfGrids = dict[str, tuple[GridAlarms, dict[str, DeviceAlarms]]]


@dataclass(frozen=True, slots=True)
class _Pace:
    name: str
    seconds: float
    cpu_seconds: float

    @property
    def readings_per_second(self) -> float:
        return READINGS / self.seconds

    def line(self, rule_count: int) -> str:
        cpu = self.cpu_seconds / READINGS * 1e6
        return f"{self.name:38}{self.readings_per_second:12,.0f}{cpu:16.1f}{cpu / rule_count:12.3f}"


def report() -> Iterator[str]:
    """Measure, and say it."""
    count = len(rules())
    yield (
        f"Alarm rules: {READINGS:,} readings of {DEVICES} devices with six metrics, {count} rules each, "
        f"1 % in alarm; best of {ROUNDS}"
    )
    yield f"{'':38}{'readings/s':>12}{'CPU µs/reading':>16}{'µs/rule':>12}"
    batches = _batches()
    alone = _best_of("evaluation alone, decoding included", batches, on_changes=True)
    yield alone.line(count)
    yield _best_of("… without rules on a rate of change", batches, on_changes=False).line(count)
    engine, latency = asyncio.run(_engine())
    yield engine.line(count)
    yield bar(
        f"evaluation alone: at least {_BAR_READINGS_PER_SECOND:,} readings/s",
        reached=alone.readings_per_second >= _BAR_READINGS_PER_SECOND,
    )
    yield bar(
        f"engine process: at least {_BAR_READINGS_PER_SECOND:,} readings/s",
        reached=engine.readings_per_second >= _BAR_READINGS_PER_SECOND,
    )
    yield ""
    yield f"Alarm latency: {RATE:,} readings/s for {LATENCY_SECONDS} s, appended to alert in the stream"
    yield f"{'milliseconds':38}{'p50':>8}{'p95':>8}{'p99':>8}{'max':>8}{'count':>10}"
    yield (
        f"{'engine process on real Redis':38}{latency.median:8.1f}{latency.p95:8.1f}{latency.p99:8.1f}"
        f"{latency.maximum:8.1f}{latency.count:10,}"
    )
    yield bar(f"p95 below {_BAR_MILLISECONDS} ms", reached=latency.p95 < _BAR_MILLISECONDS)


def _batches() -> list[list[Record]]:
    entries = list(records(0, SECONDS))
    return [entries[at : at + _ENTRIES_AT_ONCE] for at in range(0, len(entries), _ENTRIES_AT_ONCE)]


def _best_of(name: str, batches: Sequence[Sequence[Record]], *, on_changes: bool) -> _Pace:
    plan = RulePlan([AlarmRule(**rule.model_dump(), version=1) for rule in rules(on_changes=on_changes)])
    return min((_evaluate(name, batches, plan) for _ in range(ROUNDS)), key=lambda pace: pace.seconds)


def _evaluate(name: str, batches: Sequence[Sequence[Record]], plan: RulePlan) -> _Pace:
    kept: _DocumentsOfGrids = defaultdict(lambda: (GridAlarms(), defaultdict(DeviceAlarms)))
    raised = 0
    start, cpu_at_start = time.perf_counter(), time.process_time()
    for batch in batches:
        by_grid: dict[str, list[Reading]] = defaultdict(list)
        for record in batch:
            for each in decode_readings(record.data):
                by_grid[each.grid_id].append(each)
        for grid_id, readings in by_grid.items():
            grid, devices = kept[grid_id]
            evaluation = GridEvaluation(
                grid_id, grid, devices, plan, parents={}, notice_quiet=timedelta(minutes=10)
            )
            for each in readings:
                evaluation.on_reading(each)
            for device_id in evaluation.changes.devices:
                evaluation.timer_of(device_id)
            raised += sum(event.transition is AlertTransition.RAISED for event in evaluation.changes.events)
    pace = _Pace(name, time.perf_counter() - start, time.process_time() - cpu_at_start)
    if raised != READINGS // 100:
        raise RuntimeError(f"{raised} alarms of {READINGS // 100} were raised")
    return pace


async def _engine() -> tuple[_Pace, Distribution]:
    """The pace of the best of some runs, and how long alerts take."""
    paces = []
    for round_ in range(ROUNDS):
        with TemporaryDirectory() as folder:
            async with _running_engine(Path(folder)) as (engine, redis):
                paces.append(await _drain(engine, redis))
                if round_ == ROUNDS - 1:
                    latency = await _latency(redis)
    return min(paces, key=lambda pace: pace.seconds), latency


@asynccontextmanager
async def _running_engine(folder: Path) -> AsyncIterator[tuple[MeasuredProcess, Redis]]:
    rules_file = folder / "rules.json"
    rules_file.write_text(json.dumps([rule.model_dump(mode="json") for rule in rules()]))
    port = free_port()
    with mosquitto(backend="process") as broker, redis_server(backend="process") as server:
        settings = {
            "MICROGRID_REDIS_URL": server.url,
            "MICROGRID_MQTT_URL": broker.url,
            "MICROGRID_STREAM_SHARDS": str(SHARDS),
            "MICROGRID_RULES_FILE": str(rules_file),
            "MICROGRID_HEALTH_PORT": str(port),
            "MICROGRID_LOG_LEVEL": "WARNING",
        }
        command = [sys.executable, "-m", "microgrid_alert_engine"]
        client = make_client(server.url)
        try:
            with measured_process(command, environment=settings, log=folder / "log") as engine:
                await _until_ready(f"http://127.0.0.1:{port}/readyz")
                yield engine, client
                engine.check_running()
        finally:
            await client.aclose()


async def _until_ready(url: str) -> None:
    async with aiohttp.ClientSession() as http:

        async def ready() -> bool:
            async with http.get(url) as answer:
                return answer.ok

        await wait_until(ready, timeout=_READY_SECONDS, description="the engine to be ready")


async def _drain(engine: MeasuredProcess, redis: Redis) -> _Pace:
    """Let the engine work off a backlog, after a first second in which it gets to know the devices."""
    log = RedisDurableLog(redis)
    await log.append(list(records(0, 5)))
    await _until_read(engine, redis)
    # What is appended meanwhile is to be there before it begins.
    engine.process.send_signal(signal.SIGSTOP)
    try:
        backlog = list(records(5, SECONDS))
        for at in range(0, len(backlog), _APPENDED_AT_ONCE):
            await log.append(backlog[at : at + _APPENDED_AT_ONCE])
        start, cpu_at_start = time.perf_counter(), engine.cpu_seconds()
    finally:
        engine.process.send_signal(signal.SIGCONT)
    await _until_read(engine, redis)
    return _Pace(
        "engine process: Redis to Redis", time.perf_counter() - start, engine.cpu_seconds() - cpu_at_start
    )


async def _until_read(engine: MeasuredProcess, redis: Redis) -> None:
    async with asyncio.timeout(_TIME_LIMIT_SECONDS):
        while await _unread(redis):
            engine.check_running()
            await asyncio.sleep(_POLL_SECONDS)


async def _unread(redis: Redis) -> int:
    """How many entries the engine has not acknowledged."""
    unread = 0
    for stream in readings_streams(SHARDS):
        try:
            groups = {group["name"]: group for group in await redis.xinfo_groups(stream)}
        except ResponseError:
            continue  # There is no such stream.
        group = groups.get(_GROUP)
        unread += (
            await redis.xlen(stream) if group is None else int(group["lag"] or 0) + int(group["pending"])
        )
    return unread


async def _latency(redis: Redis) -> Distribution:
    appended: dict[tuple[str, datetime], float] = {}
    waits: dict[tuple[str, datetime], float] = {}
    log = RedisDurableLog(redis)
    position = await log.last_id(ALERTS_STREAM)
    watching = asyncio.create_task(_watch(log, position, appended, waits))
    try:
        await _append_paced(log, appended)
        await wait_until(
            lambda: len(waits) >= len(appended),
            timeout=_LAST_SECONDS,
            description=f"{len(appended)} alerts",
        )
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    return Distribution.of(waits.values())


async def _append_paced(log: RedisDurableLog, appended: dict[tuple[str, datetime], float]) -> None:
    """Append at the rate; note when each reading was that raises an alarm, but for the first seconds."""
    in_one = RATE // _APPENDS_PER_SECOND
    start = time.monotonic()
    for turn in range((WARM_UP_SECONDS + LATENCY_SECONDS) * _APPENDS_PER_SECOND):
        await asyncio.sleep(max(0.0, start + turn / _APPENDS_PER_SECOND - time.monotonic()))
        first, count = turn * in_one % DEVICES, turn * in_one // DEVICES
        now = datetime.now(UTC)
        at = now.replace(microsecond=now.microsecond // 1_000 * 1_000)
        readings = [reading(number, count, at) for number in range(first, first + in_one)]
        if turn >= WARM_UP_SECONDS * _APPENDS_PER_SECOND:
            before = time.monotonic()
            for number, each in enumerate(readings, first):
                if is_in_alarm(number, count):
                    appended[each.device_id, at] = before
        await log.append([record_of(readings)])


async def _watch(
    log: RedisDurableLog,
    position: str,
    appended: dict[tuple[str, datetime], float],
    waits: dict[tuple[str, datetime], float],
) -> None:
    while True:
        entries = await log.read_after({ALERTS_STREAM: position}, count=1_000, wait=timedelta(seconds=1))
        seen = time.monotonic()
        for entry in entries:
            position = entry.id
            event = AlertEvent.model_validate_json(entry.data)
            key = event.alert.device_id, event.alert.raised_at
            if (
                event.transition is AlertTransition.RAISED
                and event.alert.rule_id == HIGH_LOAD
                and key in appended
            ):
                waits.setdefault(key, seen - appended[key])
