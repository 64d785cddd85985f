"""Quarantine stays bounded, nothing leaves it unsaid, and Prometheus is told how full everything is."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from microgrid_common.ports.durable_log import Record
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.quarantine import QuarantineLimits
from microgrid_common.runtime.tasks import keep_running
from microgrid_common.testing.contracts.quarantine_messages import T0, found, numbers, put, refused
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.quarantine import FakeQuarantine
from microgrid_common.testing.waiting import wait_until
from microgrid_ingestor import retention, stream_metrics
from microgrid_ingestor.log_capacity import LogCapacity
from microgrid_ingestor.retention import bound_quarantine
from microgrid_ingestor.stream_metrics import sample_streams

pytestmark = pytest.mark.usefixtures("virtual_time")

SHARDS = 2


@pytest.fixture
def log() -> FakeDurableLog:
    return FakeDurableLog()


@pytest.fixture
def quarantine(log: FakeDurableLog) -> FakeQuarantine:
    return FakeQuarantine(log)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_QUARANTINE_INTERVAL", timedelta(milliseconds=1))
    monkeypatch.setattr(stream_metrics, "_INTERVAL", timedelta(milliseconds=1))


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with capture_logs() as entries:
        yield entries


@asynccontextmanager
async def running(coroutine: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(coroutine)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def figure(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"microgrid_{name}", labels)


async def until_left(quarantine: FakeQuarantine, expected: list[int]) -> None:
    async def left() -> bool:
        return await numbers(quarantine) == expected

    await wait_until(left, timeout=10, description=f"{expected} to be left")


async def test_closed_messages_go_without_a_word(
    log: FakeDurableLog, quarantine: FakeQuarantine, logged: list[Any]
) -> None:
    await put(log, *(refused(number) for number in range(3)))
    first = (await found(quarantine))[0]
    await quarantine.discard(first.id, by="ann", at=T0)
    async with running(bound_quarantine(quarantine, limits=QuarantineLimits(messages=2))):
        await until_left(quarantine, [1, 2])
    assert logged == []


async def test_open_ones_that_have_to_go_are_an_error_once_in_a_while(
    log: FakeDurableLog, quarantine: FakeQuarantine, logged: list[Any]
) -> None:
    await put(log, *(refused(number) for number in range(5)))
    async with running(bound_quarantine(quarantine, limits=QuarantineLimits(messages=2))):
        await until_left(quarantine, [3, 4])
        await put(log, refused(5))
        await until_left(quarantine, [4, 5])
    assert [(entry["event"], entry["log_level"], entry["for_room"]) for entry in logged] == [
        ("quarantine_dropped_open_messages", "error", 3)
    ]


async def test_the_bound_holds_again_when_the_log_is_back(
    log: FakeDurableLog, quarantine: FakeQuarantine
) -> None:
    await put(log, *(refused(number) for number in range(3)))
    quarantine.fail_next(RetryableError("away"), times=2)
    async with running(bound_quarantine(quarantine, limits=QuarantineLimits(messages=1))):
        await wait_until(lambda: not quarantine.failures_left, timeout=10, description="the log to be back")
        await until_left(quarantine, [2])


async def test_upkeep_that_fails_for_good_is_tried_again_and_ends_nothing_else(
    log: FakeDurableLog,
    quarantine: FakeQuarantine,
    logged: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("microgrid_common.runtime.tasks.PAUSE_AFTER_FAILURE", timedelta(milliseconds=1))
    await put(log, refused(1), refused(2))
    quarantine.fail_next(PermanentError("WRONGTYPE"))
    limits = QuarantineLimits(messages=1)
    async with running(keep_running(lambda: bound_quarantine(quarantine, limits=limits), name="quarantine")):
        await until_left(quarantine, [2])
    assert [(entry["event"], entry.get("task")) for entry in logged] == [
        ("task_failed", "quarantine"),
        ("quarantine_dropped_open_messages", None),
    ]


async def test_prometheus_sees_lengths_lags_and_quarantine(
    log: FakeDurableLog, quarantine: FakeQuarantine
) -> None:
    await log.append([Record("readings:1", "readings", b"[]")] * 5)
    consumer = log.consumer(group="historian", member="a", streams=["readings:1"])
    await consumer.read(count=3, wait=timedelta())
    await put(log, refused(1), refused(2))
    first = (await found(quarantine))[0]
    await quarantine.discard(first.id, by="ann", at=T0)

    def shown() -> bool:
        return figure("quarantine_messages", state="discarded", reason="out_of_range") == 1

    async with running(sample_streams(log, LogCapacity(log), quarantine, shards=SHARDS)):
        await wait_until(shown, timeout=10, description="the figures")
    assert figure("stream_entries", stream="readings:1") == 5
    assert figure("stream_entries", stream="readings:0") == 0
    assert figure("stream_lag_entries", stream="readings:1", group="historian") == 2
    assert figure("stream_pending_entries", stream="readings:1", group="historian") == 3
    assert figure("quarantine_messages", state="open", reason="out_of_range") == 1
    assert figure("quarantine_messages", state="open", reason="not_utf8") == 0
    assert figure("quarantine_stored_bytes") == (await quarantine.totals()).stored_bytes
    assert figure("log_memory_used_bytes") == (await log.measure([])).memory_used_bytes
    assert figure("log_memory_limit_bytes") == 0


async def test_prometheus_sees_how_many_open_messages_had_to_go(
    log: FakeDurableLog, quarantine: FakeQuarantine
) -> None:
    await put(log, *(refused(number) for number in range(7)))
    async with (
        running(bound_quarantine(quarantine, limits=QuarantineLimits(messages=2))),
        running(sample_streams(log, LogCapacity(log), quarantine, shards=SHARDS)),
    ):
        await wait_until(
            lambda: figure("quarantine_dropped_open_messages") == 5, timeout=10, description="the figure"
        )
