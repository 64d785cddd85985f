"""Devices: what is known about the thing that sends readings."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from microgrid_common.schemas.identifiers import Identifier

UNREGISTERED = "unregistered"

MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=64)]
MetadataValue = Annotated[str, StringConstraints(max_length=256)]


class DeviceFacts(BaseModel):
    """What is known about a device beside its name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device_type: Identifier = UNREGISTERED
    """Such as `inverter`, `battery`, `meter`, `weather-station`."""
    component: Identifier | None = None
    """The part of the plant that it watches, such as `battery-bank-1`."""
    parent_id: Identifier | None = None
    """The gateway of the same grid that it reports through; None when it has a link of its own."""
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    """Degrees north."""
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None
    """Degrees east."""
    expected_interval_seconds: Annotated[float, Field(gt=0, le=7 * 86_400)] | None = None
    """How often it should report, in seconds; None to go by how often it does."""
    metadata: Annotated[dict[MetadataKey, MetadataValue], Field(max_length=32)] = {}


class Device(DeviceFacts):
    """An entry of the device registry; what readings are enriched with."""

    grid_id: Identifier
    device_id: Identifier

    @model_validator(mode="after")
    def _is_not_its_own_parent(self) -> Self:
        if self.parent_id == self.device_id:
            raise ValueError("a device cannot be its own parent")
        return self
