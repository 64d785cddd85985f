"""What a device says about its own presence, retained on its `status` topic."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from microgrid_common.schemas.ledger import BOOTS_KEPT
from microgrid_common.schemas.telemetry import BootId, SchemaVersion, SequenceNumber


class PresenceStatus(StrEnum):
    """Whether a device is connected."""

    ONLINE = "online"
    OFFLINE = "offline"


class BootEnd(BaseModel):
    """How far an earlier boot of a device came."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    boot_id: BootId
    last_seq: SequenceNumber


class DeviceStatus(BaseModel):
    """A device's birth message or last will.

    It carries no time: a last will is written long before it is sent, so the arrival decides.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True)

    schema_version: SchemaVersion = Field(default=1, alias="schema")
    status: PresenceStatus
    boot_id: BootId | None = None
    connection: SequenceNumber | None = None
    """Counts the connections of this boot; a will carries the number of the birth that it belongs to, so
    that a late will of an earlier connection is known for what it is."""
    last_seq: SequenceNumber | None = None
    """The last number given to a sample in this boot, so that a lost tail is noticed; None: not said."""
    earlier_boots: Annotated[tuple[BootEnd, ...], Field(max_length=BOOTS_KEPT - 1)] | None = None
    """The last boots before this one, the oldest first; None: not said."""

    @model_validator(mode="after")
    def _numbers_belong_to_a_boot(self) -> Self:
        if self.boot_id is None and (self.last_seq is not None or self.connection is not None):
            raise ValueError("last_seq and connection need a boot_id")
        return self

    def encode(self) -> bytes:
        """The JSON text that goes on the wire."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()
