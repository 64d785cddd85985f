"""Devices: what is known about the thing that sends readings."""

from pydantic import BaseModel, ConfigDict, Field

from microgrid_common.schemas.identifiers import Identifier

UNREGISTERED = "unregistered"


class Device(BaseModel):
    """An entry of the device registry; what readings are enriched with."""

    model_config = ConfigDict(frozen=True)

    grid_id: Identifier
    device_id: Identifier
    device_type: str = UNREGISTERED
    """Such as `inverter`, `battery`, `meter`, `weather-station`."""
    component: str | None = None
    """The part of the plant that it watches, such as `battery-bank-1`."""
    latitude: float | None = Field(default=None, ge=-90, le=90)
    """Degrees north."""
    longitude: float | None = Field(default=None, ge=-180, le=180)
    """Degrees east."""
    metadata: dict[str, str] = {}
