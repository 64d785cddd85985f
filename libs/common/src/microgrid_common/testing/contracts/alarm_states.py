"""What every `AlarmStates` must do."""

import asyncio
from copy import deepcopy

from microgrid_common.ports.alarm_states import AlarmStates, GridCommit
from microgrid_common.ports.alert_records import AlertRecords
from microgrid_common.ports.durable_log import DurableLog
from microgrid_common.testing.contracts.alarm_changes import (
    VILLAGE,
    at,
    events_in,
    full_device,
    ids_in,
    ids_of,
    put_timers,
    raising,
)
from microgrid_common.transforms.alarms.documents import DeviceAlarms, FirstOut, GridAlarms


class AlarmStatesContract:
    """Needs the fixtures `states`, `records` and `log`: without any documents, alerts and entries."""

    async def test_what_was_never_stored_is_new(self, states: AlarmStates) -> None:
        """For every grid and device that was asked for."""
        loaded = await states.load({VILLAGE: ["a", "b"], "town": []})
        assert list(loaded) == [VILLAGE, "town"]
        assert loaded[VILLAGE].grid == loaded["town"].grid == GridAlarms()
        assert loaded[VILLAGE].devices == {"a": DeviceAlarms(), "b": DeviceAlarms()}
        assert loaded["town"].devices == {}
        assert await states.load({}) == {}

    async def test_documents_come_back_as_they_were_stored(self, states: AlarmStates) -> None:
        """With a revision that has grown by one, also in memory."""
        device = full_device()
        grid = GridAlarms(
            last_number=7,
            down={"gateway": at(0)},
            up_again={"inverter": at(1)},
            groups={"mains": FirstOut("alert-village-1", ["alert-village-1", "alert-village-2"])},
        )
        commit = GridCommit(VILLAGE, grid=grid, devices={"meter": device}, timers={"meter": None})
        for revision in range(1, 12):
            assert await states.commit([commit]) == [True]
            assert device.revision == grid.revision == revision
            loaded = (await states.load({VILLAGE: ["meter", "other"]}))[VILLAGE]
            assert loaded.grid == grid
            assert loaded.devices == {"meter": device, "other": DeviceAlarms()}

    async def test_what_was_loaded_can_change_without_changing_what_is_stored(
        self, states: AlarmStates
    ) -> None:
        """Whoever throws it away has changed nothing."""
        await states.commit([await raising(states, "meter")])
        loaded = (await states.load({VILLAGE: ["meter"]}))[VILLAGE]
        loaded.grid.last_number = 99
        loaded.devices["meter"].points.clear()
        again = (await states.load({VILLAGE: ["meter"]}))[VILLAGE]
        assert again.grid.last_number == 1
        assert "load-abnormality" in again.devices["meter"].points

    async def test_grids_have_documents_of_their_own(
        self, states: AlarmStates, records: AlertRecords
    ) -> None:
        """Also when devices in them have the same name."""
        commits = [
            await raising(states, "meter", grid_id=grid_id) for grid_id in (VILLAGE, "town", "default")
        ]
        assert await states.commit(commits) == [True, True, True]
        assert await states.commit([await raising(states, "meter", grid_id="town")]) == [True]
        loaded = await states.load({VILLAGE: ["meter"], "town": ["meter"]})
        assert [loaded[VILLAGE].grid.last_number, loaded["town"].grid.last_number] == [1, 2]
        assert await ids_in(records, "default") == ["alert-1"]
        assert await ids_in(records, "town") == ["alert-town-1", "alert-town-2"]

    async def test_records_and_events_come_with_the_documents(
        self, states: AlarmStates, records: AlertRecords, log: DurableLog
    ) -> None:
        """The events in order, over several commits."""
        commits = [await raising(states, "a", "b"), await raising(states, "c", grid_id="town")]
        await states.commit(commits)
        later = await raising(states, "d")
        await states.commit([later])
        assert await ids_in(records) == ids_of([1, 2, 3])
        assert await ids_in(records, "town") == ids_of([1], "town")
        told = [event for commit in [*commits, later] for event in commit.events]
        assert await events_in(log) == told

    async def test_a_conflict_changes_nothing(
        self, states: AlarmStates, records: AlertRecords, log: DurableLog
    ) -> None:
        """Whichever document it is about, new or not, and whatever else is in the commit."""
        first = await raising(states, "a")
        new_grid = deepcopy(first)
        assert await states.commit([first]) == [True]
        old_device = GridCommit(
            VILLAGE,
            grid=None,
            devices={"b": DeviceAlarms(), "a": DeviceAlarms()},
            timers={"a": at(0), "b": at(0)},
            alerts=new_grid.alerts,
            events=new_grid.events,
        )
        ahead = GridCommit(VILLAGE, grid=GridAlarms(revision=2), devices={}, timers={}, events=first.events)
        for stale in (new_grid, old_device, ahead):
            before = deepcopy(stale)
            assert await states.commit([stale]) == [False]
            assert stale == before
        loaded = (await states.load({VILLAGE: ["a", "b"]}))[VILLAGE]
        assert loaded.devices == {"a": first.devices["a"], "b": DeviceAlarms()}
        assert loaded.grid == first.grid
        assert await states.due(None, at(100), limit=10) == []
        assert await ids_in(records) == ids_of([1])
        assert await events_in(log) == list(first.events)

    async def test_a_conflict_in_one_grid_leaves_the_others_alone(
        self, states: AlarmStates, records: AlertRecords, log: DurableLog
    ) -> None:
        """They are made in the same call."""
        commits = [await raising(states, "meter", grid_id=grid_id) for grid_id in ("a", "b", "c")]
        await states.commit([await raising(states, "other", grid_id="b")])
        assert await states.commit(commits) == [True, False, True]
        assert [commit.devices["meter"].revision for commit in commits] == [1, 0, 1]
        assert [await ids_in(records, grid_id) for grid_id in ("a", "b", "c")] == [
            ["alert-a-1"],
            ["alert-b-1"],
            ["alert-c-1"],
        ]
        assert [event.alert.device_id for event in await events_in(log)] == ["other", "meter", "meter"]

    async def test_commits_about_different_devices_do_not_conflict(self, states: AlarmStates) -> None:
        """As long as the grid's own document is not in them."""
        loaded = (await states.load({VILLAGE: ["a", "b"]}))[VILLAGE]
        for device_id, document in loaded.devices.items():
            commit = GridCommit(VILLAGE, grid=None, devices={device_id: document}, timers={})
            assert await states.commit([commit]) == [True]

    async def test_what_is_made_again_conflicts_and_then_is_seen_to_be_done(
        self, states: AlarmStates, records: AlertRecords, log: DurableLog
    ) -> None:
        """So is a retry when the answer to a commit never came."""
        commit = await raising(states, "meter")
        again = deepcopy(commit)
        await states.commit([commit])
        assert await states.commit([again]) == [False]
        loaded = (await states.load({VILLAGE: ["meter"]}))[VILLAGE]
        assert loaded.devices["meter"].points["load-abnormality"].alert == commit.alerts[0]
        assert await ids_in(records) == ids_of([1])
        assert len(await events_in(log)) == 1

    async def test_of_a_thousand_at_once_exactly_one_is_made(
        self, states: AlarmStates, records: AlertRecords, log: DurableLog
    ) -> None:
        """All have read the same; each wants to raise an alert of its own."""
        first = await raising(states, "meter")
        outcomes = await asyncio.gather(*(states.commit([deepcopy(first)]) for _ in range(1_000)))
        assert sum(made for [made] in outcomes) == 1
        assert await ids_in(records) == ids_of([1])
        assert len(await events_in(log)) == 1

    async def test_those_who_read_again_after_a_conflict_all_get_their_turn(
        self, states: AlarmStates, records: AlertRecords, log: DurableLog
    ) -> None:
        """Nobody's alert is lost, and no number is given twice."""

        async def raise_on(device_id: str) -> None:
            made = [False]
            while made != [True]:
                made = await states.commit([await raising(states, device_id)])

        await asyncio.gather(*(raise_on(f"meter-{number}") for number in range(20)))
        assert await ids_in(records) == ids_of(range(1, 21))
        events = await events_in(log)
        assert [event.alert.id for event in events] == ids_of(range(1, 21))
        assert {event.alert.device_id for event in events} == {f"meter-{number}" for number in range(20)}

    async def test_thousands_of_devices_are_committed_at_once(
        self, states: AlarmStates, records: AlertRecords, log: DurableLog
    ) -> None:
        """Each with an alert and a timer; and none if just one of them has changed."""
        devices = [f"meter-{number}" for number in range(5_000)]
        commit = await raising(states, *devices, timer=at(5))
        again = deepcopy(commit)
        assert await states.commit([commit]) == [True]
        for device_id in devices[:-1]:
            again.devices[device_id].revision = 1
        assert await states.commit([GridCommit(VILLAGE, grid=None, devices=again.devices, timers={})]) == [
            False
        ]
        loaded = (await states.load({VILLAGE: devices}))[VILLAGE]
        assert {document.revision for document in loaded.devices.values()} == {1}
        assert len(await records.active_alerts(VILLAGE)) == len(await events_in(log)) == 5_000
        assert len(await states.due(None, at(5), limit=10_000)) == 5_000

    async def test_timers_that_have_come_are_due_the_longest_overdue_first(self, states: AlarmStates) -> None:
        """Of all grids; one whose time is just now is due, too."""
        await put_timers(states, "town", x=at(2), y=at(6.000001))
        await put_timers(states, VILLAGE, a=at(3), b=at(1), c=at(6), d=at(9), e=None)
        in_order = [(VILLAGE, "b"), ("town", "x"), (VILLAGE, "a"), (VILLAGE, "c")]
        assert await states.due(None, at(6), limit=10) == in_order
        assert await states.due(None, at(6), limit=3) == in_order[:3]
        assert await states.due(None, at(0), limit=3) == []

    async def test_timers_of_some_grids_are_asked_for(self, states: AlarmStates) -> None:
        """Whatever is due in others."""
        for number in range(5):
            await put_timers(states, f"grid-{number}", meter=at(number))
        assert await states.due(["grid-4", "grid-2", "nowhere"], at(9), limit=1) == [("grid-2", "meter")]
        assert await states.due(["grid-4", "grid-2"], at(3), limit=9) == [("grid-2", "meter")]
        assert await states.due([], at(9), limit=9) == []

    async def test_a_timer_is_moved_or_removed_by_a_later_commit(self, states: AlarmStates) -> None:
        """One that a commit does not name stays as it is."""
        await put_timers(states, VILLAGE, a=at(1), b=at(2), c=at(3))
        await put_timers(states, VILLAGE, a=at(5), b=None)
        assert await states.due(None, at(4), limit=9) == [(VILLAGE, "c")]
        await put_timers(states, VILLAGE, c=None)
        assert await states.due(None, at(4), limit=9) == []
        assert await states.due(None, at(5), limit=9) == [(VILLAGE, "a")]
        await put_timers(states, VILLAGE, a=None)
        await put_timers(states, "town", x=at(7))
        assert await states.due(None, at(9), limit=1) == [("town", "x")]

    async def test_nothing_to_commit_is_nothing_to_do(self, states: AlarmStates, log: DurableLog) -> None:
        """Nor does an empty change need a document."""
        assert await states.commit([]) == []
        assert await states.commit([GridCommit(VILLAGE, grid=None, devices={}, timers={})]) == [True]
        assert await events_in(log) == []

    async def test_ping_returns_when_the_store_can_be_used(self, states: AlarmStates) -> None:
        """That is all it does."""
        await states.ping()
