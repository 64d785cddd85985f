"""From the log into the ledgers: every entry once, through crashes, lost answers and zombies."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from microgrid_common.ports.durable_log import Record
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.ledger_store import LedgerChanges, LedgerPage
from microgrid_common.schemas.ledger import BootLedger, DeviceKey, DeviceLedger, Gap
from microgrid_common.schemas.numbering import NumberRange
from microgrid_common.schemas.reading import Reading, encode_readings
from microgrid_common.schemas.refusal import Refusal, encode_refusals
from microgrid_common.schemas.streams import READINGS_KIND, REFUSALS_KIND
from microgrid_common.testing.fakes.durable_log import FakeDurableLog, FakeLogConsumer
from microgrid_common.testing.fakes.ledger_store import FakeLedgerStore
from microgrid_common.testing.waiting import wait_until
from microgrid_ingestor import ledger as module
from microgrid_ingestor.ledger import LEDGER_GROUP, LedgerKeeper, changes_of, keep_ledgers

pytestmark = pytest.mark.usefixtures("virtual_time")

STREAM, OTHER_STREAM = "readings:0", "readings:1"
METER = ("village-1", "meter-1")
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
NOW_MILLISECONDS = int(NOW.timestamp() * 1000)
GRACE = timedelta(seconds=30)


class LosesAnswers(FakeLedgerStore):
    """Takes its time, does what it is told, and then fails to say so, now and then."""

    def __init__(self, lost: Sequence[bool]) -> None:
        super().__init__()
        self._lost = list(lost)

    async def load(self, stream: str, devices: Sequence[DeviceKey]) -> LedgerPage:
        await asyncio.sleep(0)
        return await super().load(stream, devices)

    async def apply(self, stream: str, *, after: str, position: str, changes: LedgerChanges) -> bool:
        await asyncio.sleep(0)
        applied = await super().apply(stream, after=after, position=position, changes=changes)
        if self._lost and self._lost.pop():
            raise RetryableError("the answer was lost")
        return applied


def readings(*numbers: int | None, device_id: str = "meter-1", device_type: str = "meter") -> bytes:
    return encode_readings(
        [
            Reading(
                "village-1",
                device_id,
                NOW,
                NOW,
                {"consumption_kw": 1.0},
                boot_id="a",
                seq=number,
                device_type=device_type,
            )
            for number in numbers
        ]
    )


def keeper_of(log: FakeDurableLog, store: FakeLedgerStore) -> LedgerKeeper:
    return LedgerKeeper(log, store, grace=GRACE, clock=lambda: NOW)


async def follow(log: FakeDurableLog, keeper: LedgerKeeper) -> None:
    """Let a keeper enter all there is."""
    await keeper.follow(STREAM, await log.last_id(STREAM))


@asynccontextmanager
async def keeping(
    log: FakeDurableLog, store: FakeLedgerStore, consumer: FakeLogConsumer | None = None
) -> AsyncIterator[None]:
    consumer = consumer or consumer_of(log)
    task = asyncio.create_task(keep_ledgers(consumer, log, store, grace=GRACE, clock=lambda: NOW))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def append(log: FakeDurableLog, *data: bytes, stream: str = STREAM) -> None:
    await log.append([Record(stream, READINGS_KIND, each) for each in data])


async def until_entered(log: FakeDurableLog, store: FakeLedgerStore) -> None:
    def entered() -> bool:
        return all(store.positions.get(stream) == kept[-1].id for stream, kept in log.streams.items() if kept)

    await wait_until(entered, timeout=5, description="all entries in the ledgers")


def consumer_of(log: FakeDurableLog, member: str = "one") -> FakeLogConsumer:
    return log.consumer(group=LEDGER_GROUP, member=member, streams=[STREAM, OTHER_STREAM])


async def test_what_comes_by_the_streams_is_in_the_ledgers() -> None:
    log, store = FakeDurableLog(), FakeLedgerStore()
    numbers = (NumberRange(boot_id="a", first=3, last=3),)
    refusal = Refusal(grid_id="village-1", device_id="meter-1", numbers=numbers)
    async with keeping(log, store):
        await append(log, readings(0, 1, 1, 5), readings(None))
        await append(log, readings(7, device_id="meter-2"), stream=OTHER_STREAM)
        await log.append([Record(STREAM, REFUSALS_KIND, encode_refusals([refusal]))])
        await until_entered(log, store)
    ledger = store.ledgers[METER]
    assert (ledger.received, ledger.duplicates, ledger.unnumbered) == (3, 1, 1)
    assert (ledger.quarantined, ledger.missing, ledger.device_type) == (1, 2, "meter")
    assert store.ledgers["village-1", "meter-2"].received == 1


async def test_an_entry_that_comes_again_after_a_crash_is_not_counted_again() -> None:
    log, store = FakeDurableLog(), FakeLedgerStore()
    await append(log, readings(0, 1), readings(2))
    dead = consumer_of(log, "dead")
    dead.fail_next(RetryableError("it dies"), after=1, times=1_000)
    async with keeping(log, store, dead):
        await until_entered(log, store)
    dead.crash()
    async with keeping(log, store, consumer_of(log, "heir")):
        await append(log, readings(3))
        await until_entered(log, store)
    assert (store.ledgers[METER].received, store.ledgers[METER].duplicates) == (4, 0)


@given(
    st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=4), min_size=1, max_size=12),
    st.lists(st.dictionaries(st.integers(0, 2), st.integers(0, 11)), max_size=6),
    st.lists(st.booleans(), max_size=8),
)
async def test_whoever_enters_whatever_and_how_often_it_is_as_if_one_had_entered_all_once(
    contents: list[list[int]], rounds: list[dict[int, int]], lost: list[bool]
) -> None:
    """In each round some members enter at the same time, each up to some entry, as if all were its own."""
    log, alone, store = FakeDurableLog(), FakeLedgerStore(), LosesAnswers(lost)
    await append(log, *(readings(*numbers) for numbers in contents))
    await follow(log, keeper_of(log, alone))

    members = [keeper_of(log, store) for _ in range(3)]
    ids = [entry.id for entry in log.streams[STREAM]]
    last_rounds = [dict.fromkeys(range(3), len(ids) - 1)] * (len(lost) + 1)
    for at_once in [*rounds, *last_rounds]:
        told = [members[member].follow(STREAM, ids[entry % len(ids)]) for member, entry in at_once.items()]
        results = await asyncio.gather(*told, return_exceptions=True)
        assert all(isinstance(result, RetryableError | None) for result in results)
    assert store.positions == alone.positions
    assert store.ledgers == alone.ledgers
    assert await store.missing_by_type() == await alone.missing_by_type()


async def test_what_the_group_hands_out_of_order_is_entered_in_the_order_of_the_stream() -> None:
    log, store = FakeDurableLog(), FakeLedgerStore()
    await append(log, readings(0), readings(1), readings(2))
    slow = consumer_of(log, "slow")
    await slow.read(count=4, wait=timedelta())
    async with keeping(log, store):
        await append(log, readings(3))
        slow.crash()
        await append(log, readings(4))
        await until_entered(log, store)
    assert (store.ledgers[METER].received, store.ledgers[METER].missing) == (5, 0)


async def test_a_zombie_cannot_undo_what_its_successor_has_entered() -> None:
    log, store = FakeDurableLog(), FakeLedgerStore()
    zombie, heir = keeper_of(log, store), keeper_of(log, store)
    await append(log, readings(0))
    await follow(log, zombie)
    await append(log, readings(4))
    await follow(log, heir)
    late = store.ledgers[METER]
    await follow(log, zombie)
    assert store.ledgers[METER] == late


async def test_entries_that_are_there_together_cost_one_call_of_the_store() -> None:
    log, store = FakeDurableLog(), FakeLedgerStore()
    keeper = keeper_of(log, store)
    await append(log, readings(0))
    await follow(log, keeper)
    store.calls.clear()
    await append(log, readings(1, 2), readings(3, 9))
    await follow(log, keeper)
    await append(log, readings(4))
    await follow(log, keeper)
    assert store.calls == {"apply": 2}


async def test_more_devices_than_fit_in_memory_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEDGERS_AT_HAND", 2)
    log, store = FakeDurableLog(), FakeLedgerStore()
    keeper = keeper_of(log, store)
    for number in range(5):
        for device in range(3):
            await append(log, readings(number, device_id=f"meter-{device}"))
            await follow(log, keeper)
    assert [ledger.received for ledger in store.ledgers.values()] == [5, 5, 5]
    assert store.calls["load"] > len({"position", *store.ledgers})


async def test_an_entry_that_cannot_be_decoded_stops_nothing() -> None:
    log, store = FakeDurableLog(), FakeLedgerStore()
    await append(log, b'[{"grid_id":1}]', readings(0))
    await follow(log, keeper_of(log, store))
    assert (store.positions[STREAM], store.ledgers[METER].received) == (log.streams[STREAM][-1].id, 1)


async def test_entries_that_are_gone_are_not_waited_for() -> None:
    log, store = FakeDurableLog(), FakeLedgerStore()
    await keeper_of(log, store).follow(STREAM, "5-0")
    assert not store.ledgers


async def test_while_the_store_is_away_nothing_is_lost() -> None:
    log, store = FakeDurableLog(), FakeLedgerStore()
    store.fail_next(RetryableError("away"), times=3)
    async with keeping(log, store):
        await append(log, readings(0))
        await append(log, readings(1))
        await until_entered(log, store)
    assert store.ledgers[METER].received == 2


async def test_after_a_fault_the_same_entries_are_tried_again_before_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PAUSE_AFTER_FAILURE", timedelta())
    log, store = FakeDurableLog(), FakeLedgerStore()
    store.fail_next(PermanentError("a wrong type"), times=3, after=1)
    async with keeping(log, store):
        await append(log, readings(0))
        await append(log, readings(1))
        await until_entered(log, store)
    assert (store.ledgers[METER].received, store.failures_left) == (2, 0)


async def test_duplicates_are_counted_for_the_metrics() -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("microgrid_ledger_duplicates_total") or 0.0

    before, log = counted(), FakeDurableLog()
    await append(log, readings(0, 1, 1), readings(0))
    await follow(log, keeper_of(log, FakeLedgerStore()))
    assert counted() == before + 2


def ledger_with(*gaps: Gap, forgotten: int = 0, device_type: str = "meter") -> DeviceLedger:
    boot = BootLedger("a", first_ever=True, first=0, last=99, forgotten=forgotten, gaps=gaps)
    return DeviceLedger(device_type, missing=boot.missing, boots=(boot,))


OLD, NEW = Gap(10, 19, 5), Gap(50, 54, NOW_MILLISECONDS)


@pytest.mark.parametrize(
    ("before", "after", "look_at", "settled", "missing"),
    [
        (None, ledger_with(), None, False, {}),
        (ledger_with(), ledger_with(), None, False, {}),
        (None, ledger_with(NEW), 30_000, False, {"meter": 5}),
        (ledger_with(), ledger_with(NEW), 30_000, False, {"meter": 5}),
        (ledger_with(OLD), ledger_with(OLD, NEW), 30_000, False, {"meter": 5}),
        (ledger_with(OLD), ledger_with(NEW, OLD._replace(first=60, last=60)), 30_000, False, {"meter": -4}),
        (ledger_with(OLD), ledger_with(OLD._replace(last=12)), None, False, {"meter": -7}),
        (ledger_with(OLD), ledger_with(), None, True, {"meter": -10}),
        (ledger_with(OLD), ledger_with(forgotten=10), None, True, {"meter": 0}),
        (ledger_with(forgotten=3), ledger_with(forgotten=3), None, False, {"meter": 0}),
        (ledger_with(OLD), ledger_with(OLD, device_type="pv"), None, False, {"pv": 10, "meter": -10}),
    ],
)
def test_what_changes_besides_the_ledgers(
    before: DeviceLedger | None,
    after: DeviceLedger,
    look_at: int | None,
    settled: bool,  # noqa: FBT001 - a column of the table
    missing: dict[str, int],
) -> None:
    changes = changes_of({METER: before}, {METER: after}, now=NOW_MILLISECONDS, look_after=30_000)
    assert changes == LedgerChanges(
        {METER: after},
        {} if look_at is None else {METER: NOW_MILLISECONDS + look_at},
        [METER] if settled else [],
        missing,
    )
