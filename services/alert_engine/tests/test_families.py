"""The registry says which devices report through which gateways; what is suppressed follows it."""

import asyncio
from contextlib import suppress

import pytest
from services.alert_engine.tests.engine_world import STREAM, World, at

from microgrid_alert_engine.inputs import NO_FAMILY
from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.alarm_rule import AlarmRuleDraft, DisconnectedCondition
from microgrid_common.schemas.alert import AlarmState, Severity
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.device_link import LinkChange, LinkEvent
from microgrid_common.schemas.tick import Tick
from microgrid_common.testing.waiting import wait_until

pytestmark = pytest.mark.usefixtures("virtual_time")

LOST = AlarmRuleDraft(
    rule_id="lost",
    name="Lost",
    condition=DisconnectedCondition(),
    severity=Severity.WARNING,
    message="{device_id} is lost.",
)


@pytest.fixture
async def world() -> World:
    world = World()
    await world.rules.put(LOST, expected_version=None)
    await world.devices.put([device("meter", "gateway")])
    await world.start()
    return world


def device(device_id: str, parent_id: str | None, grid_id: str = "default") -> Device:
    return Device(grid_id=grid_id, device_id=device_id, parent_id=parent_id)


def link(seconds: float, device_id: str, *, up: bool = False) -> LinkEvent:
    change = LinkChange.CONNECTED if up else LinkChange.DISCONNECTED
    return LinkEvent(
        grid_id="default", device_id=device_id, change=change, at=at(seconds), connected=up, stale=False
    )


async def follow(world: World) -> None:
    """What an engine does within two seconds."""
    await world.families.refresh()
    await world.families.tell_of_changes()
    await world.settle()


async def move(world: World, parent_id: str | None, *, runs: bool = True) -> None:
    await world.devices.put([device("meter", parent_id)])
    if not runs:
        await world.start()
    await follow(world)


def states(world: World) -> dict[str, AlarmState]:
    return {alert.device_id: alert.state for alert in world.states.alerts.values()}


def told(world: World) -> list[str]:
    ticks = [Tick.model_validate_json(each.data) for each in world.log.streams[STREAM] if each.kind == "tick"]
    return [device_id for tick in ticks for device_id in tick.device_ids]


class TestFamily:
    async def test_it_is_as_the_registry_says(self, world: World) -> None:
        await world.devices.put(
            [device("b", "gateway"), device("a", "gateway"), device("c", None), device("x", "y", "town")]
        )
        await world.families.refresh()
        assert world.families.of("default").parents == {"meter": "gateway", "a": "gateway", "b": "gateway"}
        assert world.families.of("default").children == {"gateway": ("a", "b", "meter")}
        assert world.families.of("town").children == {"y": ("x",)}
        assert world.families.of("nowhere") == NO_FAMILY

    async def test_a_grid_without_gateways_any_more_has_none(self, world: World) -> None:
        await world.devices.remove("default", "meter")
        await world.families.refresh()
        assert world.families.of("default") == NO_FAMILY

    async def test_while_the_registry_is_away_it_waits(self, world: World) -> None:
        await world.devices.put([device("meter", "other")])
        world.devices.fail_next(RetryableError("away"), times=3)
        await world.families.refresh()
        assert world.families.of("default").parents == {"meter": "other"}


class TestAnotherGateway:
    @pytest.mark.parametrize("runs", [True, False], ids=["running", "started later"])
    @pytest.mark.parametrize("parent_id", ["other", None])
    async def test_what_the_old_one_suppressed_is_told_at_once_when_the_new_one_is_up(
        self, world: World, parent_id: str | None, *, runs: bool
    ) -> None:
        await world.take(link(0, "gateway"), link(1, "meter"))
        assert states(world)["meter"] is AlarmState.SUPPRESSED
        await move(world, parent_id, runs=runs)
        assert states(world)["meter"] is AlarmState.UNACKNOWLEDGED

    @pytest.mark.parametrize("runs", [True, False], ids=["running", "started later"])
    async def test_what_was_told_is_suppressed_when_the_new_one_is_down(
        self, world: World, *, runs: bool
    ) -> None:
        await world.take(link(0, "other"), link(1, "meter"))
        assert states(world)["meter"] is AlarmState.UNACKNOWLEDGED
        await move(world, "other", runs=runs)
        assert states(world)["meter"] is AlarmState.SUPPRESSED

    @pytest.mark.parametrize("runs", [True, False], ids=["running", "started later"])
    async def test_a_device_that_is_no_more_in_the_registry_has_none(
        self, world: World, *, runs: bool
    ) -> None:
        await world.take(link(0, "gateway"), link(1, "meter"))
        await world.devices.remove("default", "meter")
        if not runs:
            await world.start()
        await follow(world)
        assert states(world)["meter"] is AlarmState.UNACKNOWLEDGED

    async def test_a_gateway_behind_another_one_follows_it_too(self, world: World) -> None:
        await world.take(link(0, "b"), link(1, "a"), link(2, "meter"))
        await world.devices.put([device("meter", "a"), device("a", "b")])
        await follow(world)
        assert states(world) == {
            "b": AlarmState.UNACKNOWLEDGED,
            "a": AlarmState.SUPPRESSED,
            "meter": AlarmState.SUPPRESSED,
        }


class TestWhoIsTold:
    async def test_gateways_first_and_of_their_devices_only_those_with_such_an_alert(
        self, world: World
    ) -> None:
        await world.take(link(0, "meter"))
        before = told(world)
        await world.devices.put([device(f"new-{number}", "gateway") for number in range(50)])
        await world.devices.put([device("meter", "other")])
        await follow(world)
        assert sorted(told(world)[len(before) : -1]) == ["gateway", "other"]
        assert told(world)[-1] == "meter"

    async def test_nobody_when_something_else_was_changed(self, world: World) -> None:
        await world.take(link(0, "gateway"), link(1, "meter"))
        before = told(world)
        await world.devices.put([device("meter", "gateway").model_copy(update={"latitude": 1.0})])
        await follow(world)
        await follow(world)
        assert told(world) == before

    async def test_again_when_it_could_not_be_told(self, world: World) -> None:
        await world.take(link(0, "gateway"), link(1, "meter"))
        await world.devices.put([device("meter", None)])
        await world.families.refresh()
        world.records.fail_next(ValueError("a record that cannot be read"))
        with pytest.raises(ValueError, match="cannot be read"):
            await world.families.tell_of_changes()
        await follow(world)
        assert states(world)["meter"] is AlarmState.UNACKNOWLEDGED


async def test_it_follows_until_it_is_cancelled() -> None:
    world = World()
    await world.start()
    following = asyncio.create_task(world.families.keep_fresh())
    await world.devices.put([device("meter", "gateway")])
    await wait_until(lambda: "gateway" in told(world), timeout=5, description="the gateway to be told")
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    assert world.families.of("default").parents == {"meter": "gateway"}
