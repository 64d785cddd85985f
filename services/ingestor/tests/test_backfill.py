"""Asking devices for what never arrived."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from microgrid_common.ports.durable_log import Record
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.ledger_store import DeviceAccount, LedgerChanges
from microgrid_common.schemas.backfill import BackfillRequest
from microgrid_common.schemas.ledger import DeviceKey
from microgrid_common.schemas.reading import Reading, encode_readings
from microgrid_common.schemas.streams import READINGS_KIND
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.ledger_store import FakeLedgerStore
from microgrid_common.testing.fakes.message_publisher import FakeMessagePublisher
from microgrid_common.testing.waiting import wait_until
from microgrid_common.transforms.ledger.asking import BackfillPolicy
from microgrid_ingestor import backfill as module
from microgrid_ingestor.backfill import Backfill, ask_for_missing
from microgrid_ingestor.ledger import LedgerKeeper

pytestmark = pytest.mark.usefixtures("virtual_time")

GRACE, INTERVAL = timedelta(seconds=30), timedelta(minutes=1)
POLICY = BackfillPolicy(grace=GRACE, interval=INTERVAL, attempts=3)
STREAM = "readings:0"
VALUES = {"consumption_kw": 1.0}


class World:
    """Ledgers, a broker, and a time that passes when it is told to."""

    def __init__(self) -> None:
        self.store = FakeLedgerStore()
        self.publisher = FakeMessagePublisher()
        self.now = datetime(2026, 11, 23, 10, tzinfo=UTC)
        self.asker = self.another_asker()
        self._log = FakeDurableLog()
        self._keeper = LedgerKeeper(self._log, self.store, grace=GRACE, clock=self.clock)

    def clock(self) -> datetime:
        return self.now

    def another_asker(self) -> Backfill:
        return Backfill(self.store, self.publisher, policy=POLICY, clock=self.clock)

    async def send(self, *numbers: int, device_id: str = "meter-1", boot_id: str = "a") -> None:
        readings = [
            Reading("village-1", device_id, self.now, self.now, VALUES, (), boot_id, number, "meter")
            for number in numbers
        ]
        await self._log.append([Record(STREAM, READINGS_KIND, encode_readings(readings))])
        await self._keeper.follow(STREAM, await self._log.last_id(STREAM))

    async def round(self, *, limit: int = 100, asker: Backfill | None = None) -> int:
        self.store.end_round()
        return await (asker or self.asker).ask_round(limit)

    def pass_by(self, span: timedelta) -> None:
        self.now += span

    @property
    def requests(self) -> list[tuple[str, str, Sequence[tuple[int, int]]]]:
        requests = [
            (topic, BackfillRequest.model_validate_json(sent)) for topic, sent in self.publisher.published
        ]
        return [(topic, request.boot_id, request.ranges) for topic, request in requests]


@pytest.fixture
def world() -> World:
    return World()


async def test_a_device_is_asked_on_its_backfill_topic_after_the_grace_time(world: World) -> None:
    await world.send(0, 4)
    world.pass_by(GRACE - timedelta(milliseconds=1))
    assert await world.round() == 0
    world.pass_by(timedelta(milliseconds=1))
    assert await world.round() == 1
    assert world.publisher.published == [
        (
            "microgrid/village-1/device/meter-1/backfill",
            b'{"schema":1,"boot_id":"a","ranges":[[1,3]]}',
        )
    ]


async def test_what_comes_within_the_grace_time_is_not_asked_for(world: World) -> None:
    await world.send(0, 4)
    await world.send(3, 1)
    await world.send(2)
    world.pass_by(INTERVAL)
    assert await world.round() == 0
    assert not world.requests


async def test_a_device_is_asked_once_a_minute_until_it_answers(world: World) -> None:
    await world.send(0, 4)
    for second in range(180):
        await world.round()
        world.pass_by(timedelta(seconds=1))
        if second % 10 == 0:
            await world.send(5 + second // 10)
        if second == 100:
            await world.send(1, 2)
    assert [ranges for *_, ranges in world.requests] == [((1, 3),), ((1, 3),), ((3, 3),)]
    await world.send(3)
    world.pass_by(INTERVAL)
    assert await world.round() == 0


async def test_after_the_last_attempt_it_is_left_in_peace(world: World) -> None:
    await world.send(0, 4)
    for minute in range(60):
        world.pass_by(INTERVAL)
        await world.round()
        world.pass_by(timedelta(seconds=1))
        await world.send(5 + minute)
    assert len(world.requests) == POLICY.attempts
    account = await world.store.account(("village-1", "meter-1"))
    assert account is not None
    assert [(asked.first, asked.last, asked.unanswered) for asked in account.asked] == [(1, 3, True)]


async def test_old_boots_are_asked_for_too(world: World) -> None:
    await world.send(0, 4)
    await world.send(0, boot_id="b")
    world.pass_by(GRACE)
    await world.round()
    assert [boot_id for _, boot_id, _ in world.requests] == ["a"]


async def test_no_more_requests_go_out_in_a_round_than_are_allowed(world: World) -> None:
    for number in range(25):
        await world.send(0, 2, device_id=f"meter-{number}")
    world.pass_by(GRACE)
    assert [await world.round(limit=10) for _ in range(4)] == [10, 10, 5, 0]
    assert len({topic for topic, *_ in world.requests}) == 25


async def test_of_several_replicas_one_asks_in_a_round(world: World) -> None:
    await world.send(0, 4)
    world.pass_by(GRACE)
    other = world.another_asker()
    assert await world.asker.ask_round(100) + await other.ask_round(100) == 1
    assert len(world.requests) == 1


async def test_a_device_is_asked_once_even_by_a_replica_that_slept_through_its_round(world: World) -> None:
    await world.send(0, 4)
    world.pass_by(GRACE)
    overtaken = _OvertakenStore(world)
    sleeper = Backfill(overtaken, world.publisher, policy=POLICY, clock=world.clock)
    assert await world.round(asker=sleeper) == 0
    assert overtaken.asked_by_the_other == 1
    assert len(world.requests) == 1


class _OvertakenStore(FakeLedgerStore):
    """The store as a replica sees it that stops in the middle, while another one goes through a round."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.__dict__.update(world.store.__dict__)
        self._world = world
        self.asked_by_the_other = 0

    async def account(self, device: DeviceKey) -> DeviceAccount | None:
        found = await super().account(device)
        self.asked_by_the_other = await self._world.round()
        return found


async def test_while_the_broker_is_away_no_attempt_is_used_up(world: World) -> None:
    await world.send(0, 4)
    world.pass_by(GRACE)
    world.publisher.fail_next(RetryableError("away"), times=20)
    for _ in range(20):
        with pytest.raises(RetryableError):
            await world.round()
    assert await world.round() == 1


async def test_a_ledger_that_cannot_be_read_is_left_for_a_while(world: World) -> None:
    broken: DeviceKey = ("village-1", "broken")
    changes = LedgerChanges({}, look_at={broken: 1})
    await world.store.apply("other", after="0-0", position="1-0", changes=changes)
    assert await world.round() == 0
    milliseconds = int(world.now.timestamp() * 1000)
    assert await world.store.due(now=milliseconds, limit=10) == []
    assert await world.store.due(now=milliseconds + 3_600_000, limit=10) == [broken]


async def test_it_goes_on_by_itself_and_shows_what_is_missing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROUND", timedelta(milliseconds=5))

    def shown(device_type: str = "meter") -> float | None:
        return REGISTRY.get_sample_value("microgrid_ledger_missing", {"device_type": device_type})

    world.store.fail_next(RetryableError("away"), times=2)
    task = asyncio.create_task(
        ask_for_missing(
            world.store, world.publisher, policy=POLICY, requests_per_second=10, clock=world.clock
        )
    )
    await wait_until(lambda: world.store.failures_left == 0, timeout=5, description="the store to be back")
    await world.send(0, 4)
    await wait_until(lambda: shown() == 3, timeout=5, description="the missing samples in the metrics")
    world.pass_by(GRACE)
    await wait_until(lambda: world.requests, timeout=5, description="the request")
    await world.send(1, 2, 3)
    await wait_until(lambda: shown() == 0, timeout=5, description="nothing missing in the metrics")
    task.cancel()
    await asyncio.wait([task])
