"""The documents that an engine has at hand: what is read again, and what is forgotten."""

from collections.abc import Mapping, Sequence

import pytest

from microgrid_alert_engine.documents_kept import KeptDocuments
from microgrid_common.ports.alarm_states import GridCommit, GridDocuments
from microgrid_common.ports.errors import RetryableError
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.transforms.alarms.documents import DeviceAlarms


class CountingStates(FakeAlarmStates):
    """Keeps what was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[dict[str, list[str]]] = []

    async def load(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, GridDocuments]:
        self.asked.append({grid_id: list(devices) for grid_id, devices in wanted.items()})
        return await super().load(wanted)


@pytest.fixture
def states() -> CountingStates:
    return CountingStates()


@pytest.fixture
def kept(states: CountingStates) -> KeptDocuments:
    return KeptDocuments(states, limit=4)


async def test_what_is_at_hand_is_not_read_again(states: CountingStates, kept: KeptDocuments) -> None:
    first = (await kept.load({"village": ["a", "b"]}))["village"]
    again = (await kept.load({"village": ["b"]}))["village"]
    assert again.grid is first.grid
    assert again.devices == {"b": first.devices["b"]}
    assert again.devices["b"] is first.devices["b"]
    assert states.asked == [{"village": ["a", "b"]}]


async def test_only_what_is_missing_is_read(states: CountingStates, kept: KeptDocuments) -> None:
    before = (await kept.load({"village": ["a"], "town": []}))["village"]
    found = await kept.load({"village": ["a", "b"], "town": [], "city": ["a"]})
    assert states.asked[1:] == [{"village": ["b"], "city": ["a"]}]
    assert found["village"].devices["a"] is before.devices["a"]
    assert {grid_id: list(each.devices) for grid_id, each in found.items()} == {
        "village": ["a", "b"],
        "town": [],
        "city": ["a"],
    }


async def test_what_was_dropped_is_read_as_it_is_stored_now(
    states: CountingStates, kept: KeptDocuments
) -> None:
    await kept.load({"village": ["a"]})
    commit = GridCommit("village", grid=None, devices={"a": DeviceAlarms(component="roof")}, timers={})
    assert await states.commit([commit]) == [True]
    assert (await kept.load({"village": ["a"]}))["village"].devices["a"].component is None
    kept.drop("village")
    assert (await kept.load({"village": ["a"]}))["village"].devices["a"].component == "roof"


async def test_dropping_what_is_not_there_does_nothing(kept: KeptDocuments) -> None:
    kept.drop("village")
    assert list((await kept.load({"village": ["a"]}))["village"].devices) == ["a"]


async def test_beyond_the_limit_the_grid_that_was_used_longest_ago_is_forgotten(
    states: CountingStates, kept: KeptDocuments
) -> None:
    await kept.load({"village": ["a", "b"]})
    await kept.load({"town": ["a", "b"]})
    await kept.load({"village": ["a"]})
    await kept.load({"city": ["a"]})
    states.asked.clear()
    await kept.load({"village": ["a", "b"], "city": ["a"]})
    assert states.asked == []
    await kept.load({"town": ["a"]})
    assert states.asked == [{"town": ["a"]}]


async def test_forgotten_and_dropped_devices_make_room(states: CountingStates, kept: KeptDocuments) -> None:
    for number in range(20):
        await kept.load({f"village-{number}": ["a", "b"]})
    kept.drop("village-18")
    await kept.load({"village-19": ["a", "b", "c", "d"]})
    states.asked.clear()
    await kept.load({"village-19": ["a", "b", "c", "d"]})
    assert states.asked == []


async def test_a_batch_that_is_larger_than_the_limit_gets_its_documents_nevertheless(
    states: CountingStates, kept: KeptDocuments
) -> None:
    devices = [f"meter-{number}" for number in range(9)]
    assert list((await kept.load({"village": devices}))["village"].devices) == devices
    await kept.load({"village": ["meter-0"]})
    assert states.asked[1:] == [{"village": ["meter-0"]}]


async def test_grids_without_devices_are_limited_too(states: CountingStates, kept: KeptDocuments) -> None:
    for number in range(6):
        await kept.load({f"village-{number}": []})
    states.asked.clear()
    await kept.load({f"village-{number}": [] for number in range(6)})
    assert states.asked == [{"village-0": [], "village-1": []}]


async def test_after_a_failure_everything_can_be_asked_for_again(
    states: CountingStates, kept: KeptDocuments
) -> None:
    states.fail_next(RetryableError("away"))
    with pytest.raises(RetryableError):
        await kept.load({"village": ["a"]})
    assert list((await kept.load({"village": ["a"]}))["village"].devices) == ["a"]
