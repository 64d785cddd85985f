"""The retained summary of a grid's alerts."""

from typing import Any

import pytest

from microgrid_alert_engine.announcer import ANNOUNCER_GROUP, Announcer
from microgrid_common.schemas.alert import Alert, Severity, Shelving
from microgrid_common.schemas.alert_announcement import MOST_ACTIVE_ALERTS, AlertSummary
from microgrid_common.schemas.streams import ALERTS_STREAM
from microgrid_common.schemas.topics import grid_alerts_topic
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.message_publisher import FakeMessagePublisher
from microgrid_common.testing.samples import SAMPLE_TIME, put_alerts, sample_record

GRID = "village"


def alert(number: int, severity: Severity = Severity.WARNING, **fields: Any) -> Alert:
    return sample_record(number=number, grid_id=GRID, severity=severity, **fields)


async def summary_after(*alerts: Alert) -> AlertSummary:
    """What is retained when alerts have been raised, the last of which is told."""
    log = FakeDurableLog()
    states = FakeAlarmStates(log)
    records, publisher = FakeAlertRecords(states), FakeMessagePublisher()
    await put_alerts(states, *alerts[:-1], tell=False)
    await put_alerts(states, alerts[-1])
    with pytest.MonkeyPatch.context() as patch:
        # It must not take longer when there are more.
        patch.delattr(FakeAlertRecords, "active_alerts")
        announcer = Announcer(
            log.consumer(group=ANNOUNCER_GROUP, member="engine", streams=[ALERTS_STREAM]),
            records=records,
            publisher=publisher,
            clock=lambda: SAMPLE_TIME,
        )
        await announcer.announce(log.streams[ALERTS_STREAM])
    return AlertSummary.model_validate_json(publisher.retained[grid_alerts_topic(GRID)])


async def test_the_most_urgent_come_first_and_then_the_newest() -> None:
    summary = await summary_after(
        alert(1, Severity.INFO),
        alert(2, Severity.CRITICAL),
        alert(3),
        alert(4, Severity.CRITICAL),
        alert(5),
    )
    assert [each.number for each in summary.active] == [4, 2, 5, 3, 1]
    assert summary.counts == {Severity.CRITICAL: 2, Severity.WARNING: 2, Severity.INFO: 1}


async def test_of_many_the_most_urgent_are_listed_and_all_are_counted() -> None:
    few = [alert(number, Severity.CRITICAL) for number in (1, 2)]
    many = [alert(number) for number in range(3, 3 + MOST_ACTIVE_ALERTS)]
    summary = await summary_after(*few, *many, alert(500, Severity.INFO))
    assert [each.number for each in summary.active] == [2, 1, *range(102, 4, -1)]
    assert summary.counts == {Severity.CRITICAL: 2, Severity.WARNING: 100, Severity.INFO: 1}


async def test_what_is_put_aside_is_not_in_it() -> None:
    shelving = Shelving(at=SAMPLE_TIME, by="Ana", until=SAMPLE_TIME, reason="known")
    summary = await summary_after(alert(1, shelved=shelving))
    assert summary.active == ()
    assert summary.counts == {}
