"""The JSON of devices: what is known about each, and how its link stands."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from microgrid_api.web.wire_time import WireTime
from microgrid_common.schemas.device import UNREGISTERED, Device, DeviceFacts
from microgrid_common.schemas.device_link import DeviceLink, LinkChange, LinkEvent
from microgrid_common.schemas.identifiers import Identifier

_IN_LIST: dict[str, JsonValue] = {
    "id": "inverter-1",
    "type": "inverter",
    "component": "roof-array",
    "parent_id": None,
    "registered": True,
    "connected": True,
    "since": "2026-11-23T08:00:00.000Z",
    "last_seen": "2026-11-23T10:00:00.000Z",
    "stale": False,
    "metrics": ["ac_voltage_v", "generation_kw"],
}
_REGISTERED: dict[str, JsonValue] = {
    "type": "inverter",
    "component": "roof-array",
    "parent_id": None,
    "latitude": -0.1,
    "longitude": 34.75,
    "expected_interval_seconds": 5,
    "metadata": {"serial": "X-1234"},
}


def _example(**fields: JsonValue) -> ConfigDict:
    return ConfigDict(use_attribute_docstrings=True, json_schema_extra={"examples": [fields]})


class DeviceView(BaseModel):
    """A device as it stands."""

    model_config = _example(**_IN_LIST)

    id: str
    type: str
    """`unregistered` for a device that is in no registry."""
    component: str | None
    """The part of the plant that it watches."""
    parent_id: str | None
    """The gateway that it reports through."""
    registered: bool
    connected: bool
    """Whether it has a connection to the broker, for all that is known."""
    since: WireTime | None
    """When that last changed; null when it was never heard of."""
    last_seen: WireTime | None
    """When its last message arrived; null for none yet."""
    stale: bool
    """Whether it has been silent for longer than it should."""
    metrics: list[str]
    """What it has ever measured: canonical metric names."""

    @classmethod
    def of(cls, device: Device | None, link: DeviceLink | None) -> Self:
        """A device that is registered, was heard, or both."""
        return cls(**_fields(device, link))


class DeviceDetail(DeviceView):
    """A device with all that is known about it."""

    model_config = _example(
        **_IN_LIST,
        grid_id="village-1",
        latitude=-0.1,
        longitude=34.75,
        expected_interval_seconds=5,
        learned_interval_seconds=5.02,
        metadata={"serial": "X-1234"},
        boot_id="5f2c",
    )

    grid_id: str
    latitude: float | None
    """Degrees north."""
    longitude: float | None
    """Degrees east."""
    expected_interval_seconds: float | None
    """How often it should report; null to go by how often it does."""
    learned_interval_seconds: float | None
    """How often it does, from the times between its messages; null when it was never heard."""
    metadata: dict[str, str]
    boot_id: str | None
    """The boot that its last birth message named."""

    @classmethod
    def of(cls, device: Device | None, link: DeviceLink | None) -> Self:
        """As `DeviceView.of`."""
        return cls(
            **_fields(device, link),
            grid_id=_either(device, link).grid_id,
            latitude=device.latitude if device else None,
            longitude=device.longitude if device else None,
            expected_interval_seconds=device.expected_interval_seconds if device else None,
            learned_interval_seconds=link.learned_interval_seconds if link else None,
            metadata=device.metadata if device else {},
            boot_id=link.boot_id if link else None,
        )


class Registration(DeviceFacts):
    """What is to be known about a device from now on, all of it."""

    model_config = ConfigDict(
        **_example(**_REGISTERED), extra="forbid", validate_by_alias=True, validate_by_name=False
    )

    device_type: Annotated[Identifier, Field(alias="type")] = UNREGISTERED


class DeviceMessage(BaseModel):
    """A device came, went, fell silent or was heard again; a message of the live connection."""

    type: Literal["device"] = "device"
    device_id: str
    change: LinkChange
    """The last one; what was in between is left out for a client that is slow."""
    at: WireTime
    connected: bool
    stale: bool
    last_seen: WireTime | None

    @classmethod
    def of(cls, event: LinkEvent) -> Self:
        """An event as clients see it."""
        return cls(**event.model_dump(exclude={"grid_id"}))


def _fields(device: Device | None, link: DeviceLink | None) -> dict[str, Any]:
    return {
        "id": _either(device, link).device_id,
        "type": device.device_type if device else UNREGISTERED,
        "component": device.component if device else None,
        "parent_id": device.parent_id if device else None,
        "registered": device is not None,
        "connected": link.connected if link else False,
        "since": link.since if link else None,
        "last_seen": link.last_seen if link else None,
        "stale": link.stale if link else True,
        "metrics": list(link.metrics) if link else [],
    }


def _either(device: Device | None, link: DeviceLink | None) -> Device | DeviceLink:
    found = device or link
    assert found is not None  # noqa: S101 - nobody asks for a device that is neither
    return found
