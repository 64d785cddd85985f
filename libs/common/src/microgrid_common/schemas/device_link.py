"""The communication link of a device: whether it is connected, when it was last heard, and its changes."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict

from microgrid_common.schemas.identifiers import Identifier
from microgrid_common.schemas.telemetry import BootId, SequenceNumber

ASSUMED_INTERVAL_SECONDS: Final = 60.0
"""How often a device is taken to report until that is registered or learned."""


class DeviceLink(BaseModel):
    """The link of one device as it stands."""

    model_config = ConfigDict(frozen=True)

    grid_id: Identifier
    device_id: Identifier
    connected: bool
    """Whether the device has a connection to the broker, for all that is known."""
    since: AwareDatetime
    """When that last changed."""
    stale: bool = False
    """Whether it has been silent for longer than it should."""
    last_seen: AwareDatetime | None = None
    """When the last message of its own arrived, good or bad; None for none yet."""
    metrics: tuple[str, ...] = ()
    """What it has ever measured: canonical metric names, in order."""
    learned_interval_seconds: float = ASSUMED_INTERVAL_SECONDS
    """How often it usually reports, from the times between its messages."""
    boot_id: BootId | None = None
    """The boot of its last birth message; None when it had none."""
    connection: SequenceNumber | None = None
    """The number of the connection within that boot; None when it is not known."""
    born_at: AwareDatetime | None = None
    """When that birth arrived."""
    ended: tuple[tuple[BootId, SequenceNumber], ...] = ()
    """Boot and number of connections that are over, the last ones of which a last will arrived."""
    ended_at: AwareDatetime | None = None
    """When the last one of those wills arrived."""
    doubted_at: AwareDatetime | None = None
    """When a last will arrived that may be of an earlier connection; None when there is no such doubt."""
    revision: int = 0
    """Counts the changes of this record; 0 for one that was never stored."""


class LinkChange(StrEnum):
    """What happened to a link."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    STALE = "stale"
    FRESH = "fresh"


class LinkEvent(BaseModel):
    """A change of a device's link, in the same stream as the device's readings."""

    model_config = ConfigDict(frozen=True)

    grid_id: Identifier
    device_id: Identifier
    change: LinkChange
    at: AwareDatetime
    """When it happened; of silence, when it was noticed."""
    connected: bool
    """How the link stands after the change."""
    stale: bool
    last_seen: AwareDatetime | None = None

    @classmethod
    def of(cls, link: DeviceLink, change: LinkChange, at: datetime) -> "LinkEvent":
        """The event of a change after which the link stands as it does."""
        return cls(
            grid_id=link.grid_id,
            device_id=link.device_id,
            change=change,
            at=at,
            connected=link.connected,
            stale=link.stale,
            last_seen=link.last_seen,
        )
