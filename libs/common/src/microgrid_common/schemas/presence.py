"""What a device, or the broker for it, said about its presence, on its way from the ingestor."""

from pydantic import AwareDatetime, BaseModel, ConfigDict

from microgrid_common.schemas.identifiers import Identifier
from microgrid_common.schemas.status import DeviceStatus


class DevicePresence(BaseModel):
    """A status message as it arrived.

    It travels in the same stream as the device's readings, so that consumers see both in the order in
    which they arrived.
    """

    model_config = ConfigDict(frozen=True)

    grid_id: Identifier
    device_id: Identifier
    received_at: AwareDatetime
    status: DeviceStatus
    retained: bool = False
    """Whether the broker had kept it from an unknown earlier time."""

    def encode(self) -> bytes:
        """The JSON text that one entry of the `readings` stream carries."""
        return self.model_dump_json(by_alias=True, exclude_defaults=True).encode()
