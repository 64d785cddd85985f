"""Who is connected, who was heard, who has gone silent: on fakes, at a time that the test moves."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.link_store import LinkStore
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.device_link import DeviceLink, LinkChange, LinkEvent
from microgrid_common.schemas.presence import DevicePresence
from microgrid_common.schemas.status import DeviceStatus, PresenceStatus
from microgrid_common.schemas.streams import LINK_KIND, readings_stream_of
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry
from microgrid_common.testing.fakes.link_store import FakeLinkStore
from microgrid_common.testing.fakes.message_source import FakeMessageSource
from microgrid_common.testing.waiting import wait_until
from microgrid_common.transforms.link_rules import LinkRules
from microgrid_common.transforms.link_steps import Sighting
from microgrid_ingestor.device_directory import DeviceDirectory
from microgrid_ingestor.link_keeper import LinkKeeper

pytestmark = pytest.mark.usefixtures("virtual_time")

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
RULES = LinkRules(settling=timedelta(0))
SHARDS = 4
METER = ("village-1", "meter-1")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time


class World:
    """Replicas that share a store, a registry and a clock."""

    def __init__(self, *devices: Device, rules: LinkRules = RULES) -> None:
        self.clock = Clock()
        self.links = FakeLinkStore()
        self.directory = DeviceDirectory(FakeDeviceRegistry(*devices))
        self._rules = rules

    def replica(self, links: LinkStore | None = None) -> LinkKeeper:
        return LinkKeeper(
            links or self.links, self.directory, rules=self._rules, shards=SHARDS, clock=self.clock
        )

    async def let_pass(self, seconds: float, *replicas: LinkKeeper, listening: bool = True) -> None:
        """Make a round each second."""
        for _ in range(int(seconds)):
            self.clock.time += timedelta(seconds=1)
            for replica in replicas:
                await replica.make_round(listening=listening)

    def saw(self, device_id: str = "meter-1", *metrics: str) -> list[Sighting]:
        return [Sighting("village-1", device_id, self.clock.time, frozenset(metrics))]

    def said(self, status: str, boot: str | None = "a", connection: int | None = 1) -> list[DevicePresence]:
        return [
            DevicePresence(
                grid_id="village-1",
                device_id="meter-1",
                received_at=self.clock.time,
                status=DeviceStatus(status=PresenceStatus(status), boot_id=boot, connection=connection),
            )
        ]

    @property
    def meter(self) -> DeviceLink:
        return self.links.links[METER]

    @property
    def told(self) -> list[tuple[str, LinkChange]]:
        return [(event.device_id, event.change) for event in self.links.events]


def every(seconds: float, device_id: str = "meter-1") -> Device:
    return Device(grid_id="village-1", device_id=device_id, expected_interval_seconds=seconds)


async def world_with(*devices: Device, **arguments: Any) -> World:
    world = World(*devices, **arguments)
    await world.directory.refresh()
    return world


async def test_what_was_heard_is_written_down_with_the_next_round() -> None:
    world = World()
    keeper = world.replica()
    keeper.note(world.saw("meter-1", "ac_voltage_v"))
    keeper.note(world.saw("meter-1", "battery_soc"))
    assert world.links.applied == []
    await keeper.make_round(listening=True)
    assert len(world.links.applied) == 1
    assert (world.meter.connected, world.meter.last_seen) == (True, START)
    assert world.meter.metrics == ("ac_voltage_v", "battery_soc")


async def test_a_device_is_written_once_a_round_however_much_it_sends() -> None:
    world = World()
    keeper = world.replica()
    for _ in range(5):
        for _ in range(100):
            keeper.note(world.saw())
        await world.let_pass(1, keeper)
    assert len(world.links.applied) == 5


async def test_births_and_wills_are_taken_at_once_and_told_in_the_stream_of_the_grids_readings() -> None:
    world = World()
    keeper = world.replica()
    await keeper.take(world.said("online"))
    world.clock.time += timedelta(seconds=10)
    await keeper.take(world.said("offline"))
    entries = world.links.log.streams[readings_stream_of("village-1", SHARDS)]
    assert [entry.kind for entry in entries] == [LINK_KIND, LINK_KIND]
    connected, disconnected = (LinkEvent.model_validate_json(entry.data) for entry in entries)
    assert (connected.change, connected.connected) == (LinkChange.CONNECTED, True)
    assert (disconnected.change, disconnected.connected) == (LinkChange.DISCONNECTED, False)
    assert disconnected.at == START + timedelta(seconds=10)


async def test_births_and_wills_of_one_batch_are_taken_in_their_order() -> None:
    world = World()
    keeper = world.replica()
    await keeper.take([*world.said("online"), *world.said("offline"), *world.said("online", connection=2)])
    assert world.meter.connected
    assert [change for _, change in world.told] == ["connected", "disconnected", "connected"]


async def test_what_changes_nothing_is_not_written() -> None:
    world = World()
    keeper = world.replica()
    await keeper.take(world.said("online"))
    await keeper.take(world.said("online"))
    assert len(world.links.applied) == 1


async def test_a_silent_device_becomes_stale_in_time_and_fresh_when_it_is_heard_again() -> None:
    world = await world_with(every(10))
    keeper = world.replica()
    keeper.note(world.saw())
    await world.let_pass(29, keeper)
    assert [change for _, change in world.told] == ["connected"]
    await world.let_pass(2, keeper)
    assert [change for _, change in world.told] == ["connected", "stale"]
    await world.let_pass(100, keeper)
    keeper.note(world.saw())
    await world.let_pass(1, keeper)
    assert world.told == [("meter-1", "connected"), ("meter-1", "stale"), ("meter-1", "fresh")]


async def test_each_device_is_judged_by_its_own_interval() -> None:
    world = await world_with(every(5, "quick"), every(60, "slow"))
    keeper = world.replica()
    keeper.note([*world.saw("quick"), *world.saw("slow")])
    await world.let_pass(60, keeper)
    assert ("quick", LinkChange.STALE) in world.told
    assert ("slow", LinkChange.STALE) not in world.told


async def test_of_several_replicas_one_tells_each_change() -> None:
    world = await world_with(*(every(5, f"meter-{number}") for number in range(20)))
    replicas = [world.replica() for _ in range(3)]
    for number in range(20):
        replicas[number % 3].note(world.saw(f"meter-{number}"))
    for _ in range(30):
        world.clock.time += timedelta(seconds=1)
        await asyncio.gather(*(replica.make_round(listening=True) for replica in replicas))
    assert sorted(world.told) == sorted(
        (f"meter-{number}", change) for number in range(20) for change in ("connected", "stale")
    )


async def test_a_device_that_two_replicas_hear_keeps_all_that_it_measures_and_its_last_time() -> None:
    world = World()
    first, second = world.replica(), world.replica()
    first.note(world.saw("meter-1", "ac_voltage_v"))
    world.clock.time += timedelta(milliseconds=300)
    second.note(world.saw("meter-1", "battery_soc"))
    await asyncio.gather(second.make_round(listening=True), first.make_round(listening=True))
    assert world.meter.metrics == ("ac_voltage_v", "battery_soc")
    assert world.meter.last_seen == START + timedelta(milliseconds=300)
    assert [change for _, change in world.told] == ["connected"]


async def test_while_the_broker_is_away_no_device_becomes_stale() -> None:
    world = await world_with(every(5))
    keeper = world.replica()
    keeper.note(world.saw())
    await world.let_pass(3, keeper)
    await world.let_pass(3_600, keeper, listening=False)
    await world.let_pass(14, keeper)
    assert len(world.told) == 1
    await world.let_pass(3, keeper)
    assert world.told[1:] == [("meter-1", "stale")]


async def test_after_an_outage_of_the_platform_devices_have_time_to_come_back() -> None:
    world = await world_with(every(5), rules=LinkRules(settling=timedelta(seconds=30)))
    keeper = world.replica()
    keeper.note(world.saw())
    await world.let_pass(1, keeper)
    restarted = world.replica()
    world.clock.time += timedelta(hours=1)
    await world.let_pass(44, restarted)
    assert len(world.told) == 1
    await world.let_pass(3, restarted)
    assert world.told[1:] == [("meter-1", "stale")]


async def test_a_round_that_had_to_wait_for_the_store_accuses_nobody_of_silence() -> None:
    world = await world_with(every(5))
    keeper = world.replica()
    keeper.note(world.saw())
    await world.let_pass(2, keeper)
    world.clock.time += timedelta(minutes=10)
    await world.let_pass(2, keeper)
    assert not world.meter.stale


async def test_what_was_heard_is_not_lost_while_the_store_is_away() -> None:
    world = World()
    keeper = world.replica()
    keeper.note(world.saw())
    world.links.fail_next(RetryableError("away"), times=3)
    await keeper.make_round(listening=True)
    assert world.meter.last_seen == START


async def test_an_answer_that_was_lost_tells_nothing_twice() -> None:
    world = World()

    class LosesAnAnswer(FakeLinkStore):
        async def apply(self, writes: Any) -> list[bool]:
            made = await world.links.apply(writes)
            self._may_fail()
            return made

        async def get_many(self, keys: Any) -> dict[tuple[str, str], DeviceLink]:
            return await world.links.get_many(keys)

    links = LosesAnAnswer()
    links.fail_next(RetryableError("the answer was lost"))
    await world.replica(links).take(world.said("online"))
    assert links.failures_left == 0
    assert [change for _, change in world.told] == ["connected"]


async def test_many_devices_are_written_in_several_calls() -> None:
    world = World()
    keeper = world.replica()
    with capture_logs():
        keeper.note(sighting for number in range(1_200) for sighting in world.saw(f"meter-{number}"))
        await keeper.make_round(listening=True)
    assert len(world.links.links) == 1_200


async def test_it_goes_on_by_itself_and_asks_the_source_whether_it_listens() -> None:
    world = World()
    keeper, source = world.replica(), FakeMessageSource()
    source.connected = False
    running = asyncio.create_task(keeper.run(source))
    keeper.note(world.saw())
    await wait_until(lambda: METER in world.links.links, timeout=5, description="the first round")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_the_directory_knows_a_new_device_after_its_next_look() -> None:
    registry = FakeDeviceRegistry()
    directory = DeviceDirectory(registry)
    await directory.refresh()
    assert directory.devices == {}
    before = directory.devices
    await registry.put([every(5)])
    await directory.refresh()
    assert directory.devices == {METER: every(5)}
    assert before == {}


async def test_the_directory_reads_only_what_has_changed() -> None:
    registry = FakeDeviceRegistry(every(5))
    directory = DeviceDirectory(registry)
    await directory.refresh()
    first = directory.devices
    await directory.refresh()
    assert directory.devices is first
