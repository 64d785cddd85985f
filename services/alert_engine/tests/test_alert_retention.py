"""Alerts of long ago: which are forgotten, when, and that all of them are; by virtual time."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from microgrid_alert_engine.retention import KEEP, forget_old_alerts
from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.alert import Alert, Shelving
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.samples import SAMPLE_TIME, put_alerts, sample_record

pytestmark = pytest.mark.usefixtures("virtual_time")

LONG_AGO = SAMPLE_TIME - KEEP - timedelta(days=1)


class Records(FakeAlertRecords):
    """Counts how often it is asked to forget."""

    asked = 0

    async def forget(self, before: datetime, *, limit: int) -> int:
        self.asked += 1
        return await super().forget(before, limit=limit)


def over(number: int, ended: datetime) -> Alert:
    return sample_record(
        ended, number=number, cleared_at=ended, acknowledged_at=ended, acknowledged_by="amina"
    )


async def left_after(seconds: float, records: Records) -> list[int]:
    """Let time pass, and the forgetting go on; the numbers of the alerts that are still there."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    forgetting = asyncio.create_task(
        forget_old_alerts(records, clock=lambda: SAMPLE_TIME + timedelta(seconds=loop.time() - began))
    )
    await asyncio.sleep(seconds)
    forgetting.cancel()
    with suppress(asyncio.CancelledError):
        await forgetting
    return sorted(alert.number for alert in records.states.alerts.values())


@pytest.fixture
def records() -> Records:
    return Records(FakeAlarmStates())


async def test_what_ended_a_year_ago_is_forgotten(records: Records) -> None:
    bound = SAMPLE_TIME - KEEP
    await put_alerts(records.states, over(1, LONG_AGO), over(2, bound + timedelta(seconds=60)))
    assert await left_after(1, records) == [2]


async def test_what_lasts_or_nobody_has_acknowledged_stays(records: Records) -> None:
    shelving = Shelving(at=LONG_AGO, by="amina", until=SAMPLE_TIME + KEEP, reason="known")
    await put_alerts(
        records.states,
        sample_record(LONG_AGO, number=1),
        sample_record(LONG_AGO, number=2, shelved=shelving),
        sample_record(LONG_AGO, number=3, cleared_at=LONG_AGO),
    )
    assert await left_after(1, records) == [1, 2, 3]


async def test_it_looks_again_every_hour(records: Records) -> None:
    ends_its_year = SAMPLE_TIME - KEEP + timedelta(minutes=30)
    await put_alerts(records.states, over(1, ends_its_year))
    assert await left_after(3_599, records) == [1]
    assert records.asked == 1
    records.asked = 0
    assert await left_after(3_601, records) == []
    assert records.asked == 2


async def test_many_are_forgotten_part_by_part_without_a_pause(records: Records) -> None:
    await put_alerts(records.states, *(over(number, LONG_AGO) for number in range(1, 2_502)), tell=False)
    assert await left_after(1, records) == []
    assert records.asked == 3


async def test_while_the_store_is_away_it_waits(records: Records) -> None:
    await put_alerts(records.states, over(1, LONG_AGO))
    records.fail_next(RetryableError("away"), times=3)
    assert await left_after(60, records) == []
