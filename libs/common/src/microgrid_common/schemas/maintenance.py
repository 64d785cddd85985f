"""Maintenance windows: alarms that are expected, for a time, in a part of a grid."""

from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints, model_validator

from microgrid_common.schemas.alert import NoteText, PersonName
from microgrid_common.schemas.identifiers import Identifier


class MaintenanceWindow(BaseModel):
    """A time in which alarms of a grid, or of a part of it, are suppressed by design."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    window_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    grid_id: Identifier
    device_id: Identifier | None = None
    """None: every device."""
    component: Identifier | None = None
    """None: every component."""
    start: AwareDatetime
    end: AwareDatetime
    """Not part of it."""
    reason: NoteText
    by: PersonName

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.end <= self.start:
            raise ValueError("end must be after start")
        return self
