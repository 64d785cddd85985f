"""What the platform publishes about a grid's alerts on `microgrid/{grid_id}/alerts`."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from microgrid_common.schemas.alert import Alert, AlertEvent, Severity
from microgrid_common.schemas.identifiers import Identifier

MOST_ACTIVE_ALERTS = 100


class AlertAnnouncement(AlertEvent):
    """One event; not retained."""

    type: Literal["event"]
    id: Annotated[str, Field(pattern=r"^[0-9]{1,20}-[0-9]{1,20}$")]
    """Of the entry in the `alerts` stream: an event that comes twice has the same one, a later event a higher
    one, by the number before the hyphen and then by the one behind it."""


class AlertSummary(BaseModel):
    """How a grid stands after its last event; retained."""

    model_config = ConfigDict(frozen=True)

    type: Literal["summary"]
    at: AwareDatetime
    """When it was made."""
    grid_id: Identifier
    active: Annotated[tuple[Alert, ...], Field(max_length=MOST_ACTIVE_ALERTS)]
    """The alerts that last and are not put aside, the most urgent and then the newest first."""
    counts: dict[Severity, int]
    """How many there are, also of those that are not listed."""
