"""What operators and the platform itself do about alarms, several at a time."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

import pytest
from libs.common.tests.alarm_world import at

from microgrid_common.ports.alarm_states import GridDocuments
from microgrid_common.ports.errors import RetryableError
from microgrid_common.runtime.alarm_desk import AlarmDesk, PlatformAlarms, UnknownAlertError
from microgrid_common.schemas.alert import AlarmState, Alert, AlertSource, Severity
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.transforms.alarms.actions import (
    Acknowledge,
    ActionRefusedError,
    AddNote,
    Assign,
    Clear,
    ReturnToService,
    Shelve,
    TakeOutOfService,
    Unshelve,
)

PART, RULE_ID = "telemetry-store", "store-away"


class StatesThatTakeTime(FakeAlarmStates):
    """Whoever has read the documents has to wait, and others read them meanwhile."""

    async def load(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, GridDocuments]:
        documents = await super().load(wanted)
        await asyncio.sleep(0)
        return documents


class Site:
    """A platform with one alarm, and a desk."""

    def __init__(self) -> None:
        self.states = StatesThatTakeTime()
        self.records = FakeAlertRecords(self.states)
        self.platform = PlatformAlarms(self.states)
        self.now = at(10)
        self.desk = AlarmDesk(self.states, self.records, self._clock)

    async def raise_alert(self, seconds: float = 0, rule_id: str = RULE_ID) -> None:
        await self.platform.raise_alert(
            PART, rule_id, severity=Severity.CRITICAL, message="It is away.", at=at(seconds)
        )

    async def clear_alert(self, seconds: float) -> None:
        await self.platform.clear_alert(PART, RULE_ID, at=at(seconds))

    @property
    def alerts(self) -> list[Alert]:
        return list(self.states.alerts.values())

    @property
    def transitions(self) -> list[str]:
        return [str(event.transition) for event in self.states.events]

    def _clock(self) -> datetime:
        return self.now


@pytest.fixture
async def site() -> Site:
    site = Site()
    await site.raise_alert()
    return site


class TestPlatformAlarms:
    async def test_a_hundred_at_once_raise_one_and_clear_it(self) -> None:
        site = Site()
        await asyncio.gather(*(site.raise_alert(second) for second in range(100)))
        [alert] = site.alerts
        assert (alert.grid_id, alert.device_id, alert.source) == (
            PLATFORM_GRID_ID,
            PART,
            AlertSource.PLATFORM,
        )
        await asyncio.gather(*(site.clear_alert(200) for _ in range(100)))
        assert site.transitions == ["raised", "cleared"]
        [alert] = site.alerts
        assert alert.cleared_at == at(200)

    async def test_several_alarms_at_once_are_all_raised_without_a_hole_in_their_numbers(self) -> None:
        site = Site()
        await asyncio.gather(*(site.raise_alert(rule_id=f"part-{number}") for number in range(10)))
        assert sorted(alert.number for alert in site.alerts) == list(range(1, 11))

    async def test_one_that_comes_back_supersedes_the_one_nobody_has_seen(self, site: Site) -> None:
        await site.clear_alert(1)
        await site.raise_alert(2)
        assert site.transitions == ["raised", "cleared", "superseded", "raised"]

    async def test_clearing_what_was_never_raised_does_nothing(self) -> None:
        site = Site()
        await site.clear_alert(1)
        assert site.states.commits == []

    async def test_after_a_lost_answer_it_is_found_done(self) -> None:
        site = Site()
        site.states.lose_next_answer()
        with pytest.raises(RetryableError):
            await site.raise_alert()
        await site.raise_alert()
        assert site.transitions == ["raised"]


class TestDesk:
    async def test_what_was_done_is_answered_stored_and_told(self, site: Site) -> None:
        [alert] = site.alerts
        handled = await site.desk.act(alert.id, Acknowledge("Seen."), by="amina")
        assert handled.before == alert
        after = handled.after
        assert (after.acknowledged_by, after.acknowledged_at) == ("amina", at(10))
        assert site.alerts == [after]
        assert site.states.events[-1].alert == after
        assert await site.states.due(None, at(10), limit=9) == [(PLATFORM_GRID_ID, PART)]

    async def test_a_second_time_it_is_done_already(self, site: Site) -> None:
        [alert] = site.alerts
        first = await site.desk.act(alert.id, Acknowledge(), by="amina")
        commits = len(site.states.commits)
        again = await site.desk.act(alert.id, Acknowledge(), by="joseph")
        assert again.before == again.after == first.after
        assert len(site.states.commits) == commits

    async def test_several_at_once_lose_nothing_and_each_knows_what_it_has_changed(self, site: Site) -> None:
        [alert] = site.alerts
        handled = await asyncio.gather(
            site.desk.act(alert.id, AddNote("One."), by="amina"),
            site.desk.act(alert.id, AddNote("Two."), by="joseph"),
            site.desk.act(alert.id, Assign("joseph"), by="amina"),
            site.desk.act(alert.id, Acknowledge(), by="joseph"),
        )
        [after] = site.alerts
        assert {note.text for note in after.notes} == {"One.", "Two."}
        assert (after.assigned_to, after.acknowledged_by) == ("joseph", "joseph")
        stood = [alert, *(one.after for one in handled)]
        assert all(stood.count(one.before) == 1 for one in handled)
        assert [one.before for one in handled].count(alert) == 1

    async def test_an_engine_that_clears_it_meanwhile_is_not_undone(self, site: Site) -> None:
        [alert] = site.alerts
        await asyncio.gather(site.clear_alert(5), site.desk.act(alert.id, Acknowledge(), by="amina"))
        assert site.alerts[0].state is AlarmState.NORMAL
        assert sorted(site.transitions) == ["acknowledged", "cleared", "raised"]

    async def test_an_alert_that_is_not_there(self, site: Site) -> None:
        with pytest.raises(UnknownAlertError):
            await site.desk.act("alert-platform-9", Acknowledge(), by="amina")

    @pytest.mark.parametrize("action", [Clear(), Shelve(until=at(9), reason="Late.")])
    async def test_what_is_refused_changes_nothing(self, site: Site, action: Clear | Shelve) -> None:
        [alert] = site.alerts
        with pytest.raises(ActionRefusedError):
            await site.desk.act(alert.id, action, by="amina")
        assert site.alerts == [alert]

    async def test_notes_can_be_added_to_what_is_over_for_good(self, site: Site) -> None:
        [alert] = site.alerts
        await site.desk.act(alert.id, Acknowledge(), by="amina")
        await site.clear_alert(20)
        await site.raise_alert(30)
        after = (await site.desk.act(alert.id, AddNote("It was the fuse."), by="amina")).after
        assert [note.text for note in after.notes] == ["It was the fuse."]
        assert after.state is AlarmState.NORMAL
        with pytest.raises(ActionRefusedError):
            await site.desk.act(alert.id, Unshelve(), by="amina")
        newest = site.alerts[-1]
        assert (newest.notes, newest.state) == ((), AlarmState.UNACKNOWLEDGED)
        await site.clear_alert(40)
        assert site.alerts[-1].cleared_at == at(40)

    async def test_what_is_put_aside_can_be_taken_back_when_its_alert_is_over(self, site: Site) -> None:
        [alert] = site.alerts
        await site.desk.act(alert.id, TakeOutOfService("It is being rebuilt."), by="amina")
        await site.desk.act(alert.id, Shelve(at(3_600), "It is known."), by="amina")
        await site.clear_alert(20)
        for action in (ReturnToService(), Unshelve()):
            await site.desk.act(alert.id, action, by="amina")
        await site.raise_alert(30)
        assert site.alerts[-1].state is AlarmState.UNACKNOWLEDGED

    async def test_while_the_store_is_away_it_says_so(self, site: Site) -> None:
        [alert] = site.alerts
        site.states.lose_next_answer()
        with pytest.raises(RetryableError):
            await site.desk.act(alert.id, Acknowledge(), by="amina")
        after = (await site.desk.act(alert.id, Acknowledge(), by="amina")).after
        assert after.acknowledged_by == "amina"
        assert site.transitions == ["raised", "acknowledged"]
