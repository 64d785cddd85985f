"""A tick: the clock, told through the log, so that the history of alarms follows from the log alone."""

from pydantic import AwareDatetime, BaseModel, ConfigDict

from microgrid_common.schemas.identifiers import Identifier


class Tick(BaseModel):
    """The time by the clock, told to some devices of a grid."""

    model_config = ConfigDict(frozen=True)

    grid_id: Identifier
    device_ids: tuple[Identifier, ...]
    at: AwareDatetime
