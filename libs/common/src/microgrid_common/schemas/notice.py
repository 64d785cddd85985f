"""A device's own alert, on its way from the ingestor to the alert engine."""

from pydantic import AwareDatetime, BaseModel, ConfigDict

from microgrid_common.schemas.identifiers import Identifier


class DeviceNotice(BaseModel):
    """An alert that a device raised by itself.

    It travels in the same stream as the readings, so that the engine sees both in the order in which
    they arrived.
    """

    model_config = ConfigDict(frozen=True)

    grid_id: Identifier
    device_id: Identifier
    received_at: AwareDatetime
    message: str
