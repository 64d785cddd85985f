"""The JSON that the API speaks: Phase 1 to the letter, and the messages of the live connection."""

from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from microgrid_api.live.state import LiveValue
from microgrid_api.web.wire_time import WireTime
from microgrid_common.ports.telemetry_store import Point
from microgrid_common.schemas.alert import AlarmState, Alert, AlertEvent, AlertTransition, Severity

_BEGINS: Final = frozenset(
    {
        AlertTransition.RAISED,
        AlertTransition.UNSHELVED,
        AlertTransition.UNSUPPRESSED,
        AlertTransition.RETURNED_TO_SERVICE,
    }
)
"""After these an alert may be among the active ones without having been there before."""

_ENDS: Final = frozenset(
    {
        AlertTransition.CLEARED,
        AlertTransition.SHELVED,
        AlertTransition.SUPPRESSED,
        AlertTransition.TAKEN_OUT_OF_SERVICE,
    }
)
"""After these it may have left them."""


def _example(**fields: JsonValue) -> ConfigDict:
    return ConfigDict(use_attribute_docstrings=True, json_schema_extra={"examples": [fields]})


class Credentials(BaseModel):
    """Who signs in."""

    model_config = _example(username="user", password="password")  # noqa: S106 - public: see `auth`

    username: Annotated[str, StringConstraints(max_length=256)]
    password: Annotated[str, StringConstraints(max_length=256)]


class Token(BaseModel):
    """What to send as `Authorization: Bearer …` from now on."""

    model_config = _example(token="prototype_token")  # noqa: S106 - as above

    token: str


class Realtime(BaseModel):
    """The newest value of each key metric; null for one of which nothing has come yet."""

    model_config = _example(consumption_kW=10.5, generation_kW=9.8, battery_soc=75)

    consumption_kw: Annotated[float | None, Field(serialization_alias="consumption_kW")]
    """Live power consumption, kW."""
    generation_kw: Annotated[float | None, Field(serialization_alias="generation_kW")]
    """Live power generation, kW."""
    battery_soc: int | float | None
    """Battery state of charge, %; written as an integer where it is whole."""


class AlertView(BaseModel):
    """An alert as operators see it."""

    model_config = _example(
        id="alert-1",
        message="Load Abnormality: Unusual load increase detected.",
        timestamp="2026-11-23T10:00:00.000Z",
        severity="warning",
    )

    id: str
    message: str
    timestamp: WireTime
    """When it was raised."""
    severity: Severity

    @classmethod
    def of(cls, alert: Alert) -> Self:
        """`alert` as operators see it."""
        return cls(id=alert.id, message=alert.message, timestamp=alert.raised_at, severity=alert.severity)


class HistoryPoint(BaseModel):
    """The value of a metric at one time."""

    model_config = _example(time="2026-11-23T10:00:00.000Z", value=10.5)

    time: WireTime
    value: float
    """In the metric's canonical unit."""

    @classmethod
    def of(cls, point: Point) -> Self:
        """`point` without its device."""
        return cls(time=point.time, value=point.value)


class LiveValueView(BaseModel):
    """The newest value of one metric."""

    value: float
    """In the metric's canonical unit."""
    time: WireTime
    """When it was measured."""
    device_id: str
    implausible_step: Annotated[bool, Field(exclude_if=lambda is_so: not is_so)] = False
    """Whether it is further from the device's value before than is believable; left out when it is not."""

    @classmethod
    def of_all(cls, values: dict[str, LiveValue]) -> dict[str, Self]:
        """Values as clients see them."""
        return {
            metric: cls(
                value=value.value,
                time=value.time,
                device_id=value.device_id,
                implausible_step=value.implausible_step,
            )
            for metric, value in values.items()
        }


class SnapshotMessage(BaseModel):
    """The first message of a live connection: the state as it is."""

    type: Literal["snapshot"] = "snapshot"
    readings: dict[str, LiveValueView]
    """Canonical metric name → newest value."""
    alerts: list[AlertView]
    """The active alerts, the newest first: at most 500."""
    more_alerts: Annotated[bool, Field(exclude_if=lambda are_there: not are_there)] = False
    """Whether there are more of them, which `GET /api/alerts/{grid_id}` has; left out when there are not."""


class ReadingMessage(BaseModel):
    """New values."""

    type: Literal["reading"] = "reading"
    readings: dict[str, LiveValueView]
    """Canonical metric name → newest value, of the metrics that changed."""


class LiveTransition(StrEnum):
    """What an event means for the list of active alerts."""

    RAISED = "raised"
    """The alert belongs to it now."""
    CLEARED = "cleared"
    """It does not belong to it any more."""
    CHANGED = "changed"
    """It belongs to it as it did before, or does not."""

    @classmethod
    def of(cls, event: AlertEvent) -> "LiveTransition":
        """What `event` means; telling it twice means the same."""
        if event.transition in _BEGINS and event.alert.annunciated:
            return cls.RAISED
        if event.transition in _ENDS and not event.alert.annunciated:
            return cls.CLEARED
        return cls.CHANGED


class AlertMessage(BaseModel):
    """Something happened to an alert."""

    type: Literal["alert"] = "alert"
    transition: LiveTransition
    event: AlertTransition
    """What happened."""
    state: AlarmState
    """Where the alarm stands since then."""
    at: WireTime
    alert: AlertView

    @classmethod
    def of(cls, event: AlertEvent) -> Self:
        """`event` as clients see it."""
        return cls(
            transition=LiveTransition.of(event),
            event=event.transition,
            state=event.alert.state,
            at=event.at,
            alert=AlertView.of(event.alert),
        )


class HeartbeatMessage(BaseModel):
    """The connection lives."""

    type: Literal["heartbeat"] = "heartbeat"
