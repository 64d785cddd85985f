"""The messages of the live connection of a grid."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict

from microgrid_api.alarms.alert_views import GridAlertView
from microgrid_api.views import LiveTransition, LiveValueView
from microgrid_api.web.wire_time import WireTime
from microgrid_common.schemas.alert import AlarmState, AlertEvent, AlertTransition
from microgrid_common.schemas.device_link import DeviceLink, LinkEvent


class _Part(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class LinkView(_Part):
    """How a device's link stands."""

    device_id: str
    connected: bool
    stale: bool
    """Whether the device has been silent for longer than it should."""
    last_seen: WireTime | None

    @classmethod
    def of(cls, link: DeviceLink | LinkEvent) -> Self:
        """A link as clients see it."""
        return cls(
            device_id=link.device_id, connected=link.connected, stale=link.stale, last_seen=link.last_seen
        )


class GridState(_Part):
    """Readings and links as they stand: what a client that comes back gets whole."""

    readings: dict[str, LiveValueView]
    """Canonical metric name → newest value."""
    devices: list[LinkView]
    """The links of the devices, in the order of their ids."""
    more_devices: bool
    """Whether there are more of them: `GET /api/device/{grid_id}/list` has all."""


class GridSnapshot(GridState):
    """`snapshot`: the state as it is."""

    alerts: list[GridAlertView]
    """The alerts that last and are not put aside, the newest first; the platform's too."""
    more_alerts: bool
    """Whether there are more of them: `GET /api/alerts/{grid_id}?status=active` has all."""


class GridReadings(_Part):
    """`reading`: new values."""

    readings: dict[str, LiveValueView]
    """Of the metrics that changed."""


class GridLinks(_Part):
    """`devices`: links that changed."""

    devices: list[LinkView]


class GridAlertMessage(_Part):
    """`alert`: something happened to an alert."""

    transition: LiveTransition
    """What it means for the list of active alerts."""
    event: AlertTransition
    """What happened."""
    state: AlarmState
    """Where the alarm stands since then."""
    at: WireTime
    by: str | None
    """Who did it; null when no person did."""
    alert: GridAlertView
    """As it stood then."""

    @classmethod
    def of(cls, event: AlertEvent) -> Self:
        """`event` as clients see it."""
        return cls(
            transition=LiveTransition.of(event),
            event=event.transition,
            state=event.alert.state,
            at=event.at,
            by=event.by,
            alert=GridAlertView.of(event.alert),
        )


class GapReason(StrEnum):
    """Why a client cannot go on where it was."""

    TRIMMED = "trimmed"
    """It was away for longer than the log keeps alert events, or the log has lost them."""
    MALFORMED = "malformed"
    FOREIGN = "foreign"
    """The cursor is of another grid."""


class Refetch(_Part):
    """Something that a client may have missed, and where it is."""

    part: str
    endpoint: str


class GapMessage(_Part):
    """`gap`: alert events may be missing; a `snapshot` follows."""

    reason: GapReason
    since: WireTime | None
    """Nothing is missing up to this time; null when that is not known."""
    refetch: list[Refetch]
    """What the snapshot does not tell."""

    @classmethod
    def about(cls, grid_id: str, reason: GapReason, since: datetime | None) -> Self:
        """The message about a grid."""
        return cls(
            reason=reason,
            since=since,
            refetch=[
                Refetch(part="alerts", endpoint=f"/api/alerts/{grid_id}"),
                Refetch(part="devices", endpoint=f"/api/device/{grid_id}/list"),
                Refetch(part="history", endpoint=f"/api/historical/{grid_id}/{{metric}}"),
            ],
        )


class GridHeartbeat(_Part):
    """`heartbeat`: the connection lives."""

    connected: bool
    """Whether the server hears of readings and alerts at once; false while its log is away."""


class RenewalAnswer(_Part):
    """`renewed`: the new token counts from now on; `renewal_refused`: the one before still does."""

    expires_at: WireTime | None
    """When the token that counts ends; null for one without an end."""


def framed(kind: str, cursor: str | None, body: str) -> str:
    """A message's text: its kind and its cursor before the fields that are the same for everybody."""
    head = f'{{"type":"{kind}"' if cursor is None else f'{{"type":"{kind}","cursor":"{cursor}"'
    return f"{head}}}" if body == "{}" else f"{head},{body[1:]}"
