"""The alert engine in seven steps: each test is one thing that it does for an operator."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from microgrid_alert_engine.announcer import ANNOUNCER_GROUP
from microgrid_alert_engine.default_rules import load_rules
from microgrid_alert_engine.service import ALERT_ENGINE_GROUP, AlertEnginePorts, run
from microgrid_common.ports.durable_log import Record
from microgrid_common.schemas.alert import AlertEvent
from microgrid_common.schemas.identifiers import DEFAULT_DEVICE_ID, DEFAULT_GRID_ID
from microgrid_common.schemas.notice import DeviceNotice
from microgrid_common.schemas.streams import (
    ALERTS_STREAM,
    NOTICE_KIND,
    QUARANTINE_STREAM,
    readings_stream_of,
    readings_streams,
)
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.message_publisher import FakeMessagePublisher
from microgrid_common.testing.fakes.rule_store import FakeRuleStore
from microgrid_common.testing.samples import SAMPLE_TIME, append_readings, sample_reading
from microgrid_common.testing.waiting import wait_until

pytestmark = pytest.mark.usefixtures("virtual_time")

SHARDS = 4
HIGH_LOAD = "Load Abnormality: Unusual load increase detected."


def at(seconds: float) -> datetime:
    return SAMPLE_TIME + timedelta(seconds=seconds)


@pytest.fixture
def log() -> FakeDurableLog:
    return FakeDurableLog()


@pytest.fixture
def publisher() -> FakeMessagePublisher:
    return FakeMessagePublisher()


@pytest.fixture
async def alerts(log: FakeDurableLog, publisher: FakeMessagePublisher) -> AsyncIterator[FakeAlarmStates]:
    """The alarms of an engine that is running."""
    states = FakeAlarmStates(log)
    ports = AlertEnginePorts(
        consumer=log.consumer(group=ALERT_ENGINE_GROUP, member="engine", streams=readings_streams(SHARDS)),
        announcer=log.consumer(group=ANNOUNCER_GROUP, member="engine", streams=[ALERTS_STREAM]),
        states=states,
        records=FakeAlertRecords(states),
        rules=FakeRuleStore(),
        devices=FakeDeviceRegistry(),
        publisher=publisher,
        log=log,
    )
    stop = asyncio.Event()
    running = asyncio.create_task(
        run(
            ports,
            default_rules=load_rules(None),
            notice_quiet=timedelta(minutes=10),
            shards=SHARDS,
            stop=stop,
            clock=lambda: SAMPLE_TIME,
        )
    )
    yield states
    stop.set()
    await running


async def append_notice(log: FakeDurableLog, message: str, received_at: datetime) -> None:
    notice = DeviceNotice(
        grid_id=DEFAULT_GRID_ID, device_id=DEFAULT_DEVICE_ID, received_at=received_at, message=message
    )
    stream = readings_stream_of(DEFAULT_GRID_ID, SHARDS)
    await log.append([Record(stream, NOTICE_KIND, notice.model_dump_json().encode())])


async def events(states: FakeAlarmStates, count: int) -> list[AlertEvent]:
    """The events so far, once there are so many."""
    await wait_until(lambda: len(states.events) >= count, timeout=5, description=f"{count} events")
    return states.events


async def test_a_reading_that_breaks_a_rule_raises_an_alert(
    log: FakeDurableLog, alerts: FakeAlarmStates
) -> None:
    await append_readings(log, sample_reading(at(0), consumption_kw=14.2), shards=SHARDS)
    [event] = await events(alerts, 1)
    assert event.transition == "raised"
    shown = event.alert.model_dump(
        mode="json", exclude_defaults=True, exclude={"grid_id", "device_id", "recommended_action"}
    )
    assert shown == {
        "id": "alert-1",
        "rule_id": "load-abnormality",
        "rule_version": 1,
        "severity": "warning",
        "message": HIGH_LOAD,
        "status": "active",
        "source": "rule",
        "raised_at": "2026-11-23T10:00:00Z",
        "metrics": {"consumption_kw": 14.2},
        "readings": [{"timestamp": "2026-11-23T10:00:00Z", "metrics": {"consumption_kw": 14.2}}],
    }


async def test_while_the_condition_lasts_there_is_one_alert(
    log: FakeDurableLog, alerts: FakeAlarmStates
) -> None:
    high = [sample_reading(at(second), consumption_kw=14.2) for second in range(100)]
    other_device = sample_reading(at(100), device_id="other", consumption_kw=14.2)
    await append_readings(log, *high, other_device, shards=SHARDS)
    assert [event.alert.device_id for event in await events(alerts, 2)] == [DEFAULT_DEVICE_ID, "other"]


async def test_the_alert_is_cleared_when_the_condition_ends(
    log: FakeDurableLog, alerts: FakeAlarmStates
) -> None:
    await append_readings(
        log,
        sample_reading(at(0), consumption_kw=14.2),
        sample_reading(at(5), consumption_kw=10.5),
        shards=SHARDS,
    )
    raised, cleared = await events(alerts, 2)
    assert cleared.transition == "cleared"
    assert cleared.alert.id == raised.alert.id
    assert cleared.alert.cleared_at == at(5)
    assert cleared.alert.status == "resolved"


async def test_an_alert_of_a_device_is_the_same_as_the_engines_own(
    log: FakeDurableLog, alerts: FakeAlarmStates
) -> None:
    for second in range(3):
        await append_readings(log, sample_reading(at(second), consumption_kw=14.2), shards=SHARDS)
        await append_notice(log, HIGH_LOAD, at(second))
    await append_readings(log, sample_reading(at(3), consumption_kw=10.5), shards=SHARDS)
    assert [event.transition for event in await events(alerts, 2)] == ["raised", "cleared"]


async def test_a_device_may_raise_an_alert_that_no_rule_knows(
    log: FakeDurableLog, alerts: FakeAlarmStates
) -> None:
    await append_notice(log, "Door open", at(0))
    [event] = await events(alerts, 1)
    assert (event.alert.message, event.alert.source, event.alert.severity) == (
        "Door open",
        "device",
        "warning",
    )
    assert event.alert.rule_id.startswith("device:")


async def test_every_transition_is_in_the_alerts_stream_and_nothing_else_is(
    log: FakeDurableLog, alerts: FakeAlarmStates
) -> None:
    stream = readings_stream_of(DEFAULT_GRID_ID, SHARDS)
    await log.append([Record(stream, "readings", b"\x00 not readings")])
    await append_readings(log, sample_reading(at(0), consumption_kw=14.2), shards=SHARDS)
    expected = await events(alerts, 1)
    streamed = [AlertEvent.model_validate_json(entry.data) for entry in log.streams[ALERTS_STREAM]]
    assert streamed == expected
    assert len(log.streams[QUARANTINE_STREAM]) == 1


async def test_whoever_listens_to_the_broker_hears_of_it(
    log: FakeDurableLog, alerts: FakeAlarmStates, publisher: FakeMessagePublisher
) -> None:
    await append_readings(log, sample_reading(at(0), consumption_kw=14.2), shards=SHARDS)
    topic = "microgrid/default/alerts"
    await wait_until(lambda: topic in publisher.retained, timeout=5, description="the summary")
    event = json.loads(publisher.published[0][1])
    assert (event["type"], event["transition"], event["alert"]["id"]) == ("event", "raised", "alert-1")
    summary = json.loads(publisher.retained[topic])
    assert (summary["type"], summary["counts"]) == ("summary", {"warning": 1})
    assert [alert["message"] for alert in summary["active"]] == [HIGH_LOAD]
