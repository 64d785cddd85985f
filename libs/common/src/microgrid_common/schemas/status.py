"""What a device says about its own presence, retained on its `status` topic."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from microgrid_common.schemas.telemetry import BootId, SchemaVersion


class PresenceStatus(StrEnum):
    """Whether a device is connected."""

    ONLINE = "online"
    OFFLINE = "offline"


class DeviceStatus(BaseModel):
    """A device's birth message or last will.

    It carries no time: a last will is written long before it is sent, so the arrival decides.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True)

    schema_version: SchemaVersion = Field(default=1, alias="schema")
    status: PresenceStatus
    boot_id: BootId | None = None

    def encode(self) -> bytes:
        """The JSON text that goes on the wire."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()
