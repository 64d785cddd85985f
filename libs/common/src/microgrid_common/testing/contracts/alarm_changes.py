"""Commits for the contracts of the alarm stores."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from microgrid_common.ports.alarm_states import AlarmStates, GridCommit
from microgrid_common.ports.alert_records import AlertQuery, AlertRecords
from microgrid_common.ports.durable_log import DurableLog
from microgrid_common.schemas.alert import (
    Alert,
    AlertEvent,
    AlertTransition,
    OutOfService,
    RaisingReading,
    alert_id,
)
from microgrid_common.schemas.streams import ALERT_EVENT_KIND, ALERTS_STREAM
from microgrid_common.testing.samples import SAMPLE_TIME, sample_record
from microgrid_common.transforms.alarms.documents import AlarmPoint, DeviceAlarms, Moment, Pending, Sample

VILLAGE = "village"


def at(seconds: float) -> datetime:
    """A time within the test."""
    return SAMPLE_TIME + timedelta(seconds=seconds)


def full_device() -> DeviceAlarms:
    """A document with something in every field."""
    moment = Moment(at(0), at(1), at(2), {"consumption_kw": 0.1 + 0.2})
    alert = sample_record(
        grid_id=VILLAGE,
        message='Überlast "mittags": 14,2 kW',
        readings=(RaisingReading(timestamp=at(0), metrics={"consumption_kw": 14.2}),),
    )
    point = AlarmPoint(
        alert=alert,
        holds=True,
        previous=Sample(at(3), -1.5),
        pending=Pending(began=moment, due=at(4), timer=at(5)),
        raised=[at(0), at(1)],
        added_delay_seconds=60,
        added_delay_until=at(6),
        noticed_at=at(7),
        out_of_service=OutOfService(at=at(8), by="Ana", reason="broken"),
    )
    return DeviceAlarms(
        newest=at(9),
        newest_metrics=("consumption_kw",),
        older={"battery_soc": at(8)},
        heard={"battery_soc": at(8)},
        device_type="meter",
        component="roof",
        disconnected_since=at(10),
        stale_since=at(11),
        points={"overload": point},
    )


async def events_in(log: DurableLog) -> list[AlertEvent]:
    """The events in the alerts stream."""
    entries = await log.read_after({ALERTS_STREAM: "0-0"}, count=100_000, wait=timedelta())
    assert {entry.kind for entry in entries} <= {ALERT_EVENT_KIND}
    return [AlertEvent.model_validate_json(entry.data) for entry in entries]


async def raising(
    states: AlarmStates,
    *devices: str,
    grid_id: str = VILLAGE,
    seconds: float = 0,
    timer: datetime | None = None,
) -> GridCommit:
    """What raises an alert on each of some devices, decided on what is stored now."""
    documents = (await states.load({grid_id: devices}))[grid_id]
    alerts = []
    for device_id, document in documents.devices.items():
        documents.grid.last_number += 1
        number = documents.grid.last_number
        alert = sample_record(at(seconds), number=number, grid_id=grid_id, device_id=device_id)
        document.points["load-abnormality"] = AlarmPoint(alert=alert, holds=True)
        alerts.append(alert)
    return GridCommit(
        grid_id,
        grid=documents.grid,
        devices=documents.devices,
        timers=dict.fromkeys(devices, timer),
        alerts=alerts,
        events=[event_of(alert) for alert in alerts],
    )


def event_of(alert: Alert, transition: AlertTransition = AlertTransition.RAISED) -> AlertEvent:
    """What is told of an alert."""
    return AlertEvent(transition=transition, at=alert.raised_at, alert=alert)


async def put_timers(states: AlarmStates, grid_id: str, **timers: datetime | None) -> None:
    """Set or remove timers of devices."""
    documents = (await states.load({grid_id: list(timers)}))[grid_id]
    commit = GridCommit(grid_id, grid=None, devices=documents.devices, timers=timers)
    assert await states.commit([commit]) == [True]


async def ids_in(records: AlertRecords, grid_id: str = VILLAGE) -> list[str]:
    """The ids of a grid's records, the oldest first."""
    page = await records.find(AlertQuery(grid_id=grid_id, limit=500))
    return [alert.id for alert in reversed(page.alerts)]


def ids_of(numbers: Sequence[int], grid_id: str = VILLAGE) -> list[str]:
    """The ids of a grid's alerts."""
    return [alert_id(grid_id, number) for number in numbers]
