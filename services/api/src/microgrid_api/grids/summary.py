"""How a grid stands right now, in one look."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from microgrid_api.grids.short_memory import ShortMemory
from microgrid_api.live.feed import LiveFeed
from microgrid_api.live.flows import FRESH_FOR
from microgrid_api.ports import ApiPorts
from microgrid_api.web.errors import UnavailableError, asking
from microgrid_api.web.wire_time import WireTime
from microgrid_common.schemas.alert import Severity
from microgrid_common.schemas.catalogue import BY_NAME
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.device_link import DeviceLink

GOOD_FOR: Final = timedelta(seconds=1)
"""So long a summary is given to others as well."""

OVERVIEW_EXAMPLE: Final[dict[str, JsonValue]] = {
    "grid_id": "village-1",
    "name": "Kisumu South",
    "time_zone": "Africa/Nairobi",
    "at": "2026-11-23T10:00:02.000Z",
    "consumption_kW": 10.5,
    "generation_kW": 9.8,
    "battery_soc": 75,
    "alerts": {"critical": 0, "warning": 1, "info": 0},
    "devices": {"total": 3, "connected": 2, "stale": 1},
    "newest_value_at": "2026-11-23T10:00:00.000Z",
}


class AlertCounts(BaseModel):
    """How many alerts are active, by severity; those that are put aside are not counted."""

    critical: int
    warning: int
    info: int


class DeviceCounts(BaseModel):
    """How many devices a grid has."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    total: int
    """Registered, or ever heard."""
    connected: int
    stale: int
    """Silent for longer than they should be."""


class SummaryValue(BaseModel):
    """The newest value of one metric in a grid."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    value: float
    unit: str
    """Empty for a state that is 0 or 1."""
    time: WireTime
    """When it was measured; of a sum, when its oldest part was."""
    age_seconds: float
    """How old it was when this was written."""
    stale: bool
    """Whether it is older than five minutes."""
    devices: int
    """Of how many devices it is the sum; 1 for what is not added up."""
    device_id: str | None
    """Which device measured it; null for a sum of several."""


class GridOverview(BaseModel):
    """How a grid stands, in a line."""

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        serialize_by_alias=True,
        populate_by_name=True,
        json_schema_extra={"examples": [OVERVIEW_EXAMPLE]},
    )

    grid_id: str
    name: str
    time_zone: str
    at: WireTime
    """When this was written."""
    consumption_kw: Annotated[float | None, Field(alias="consumption_kW")]
    """Null when nothing has come in the last 24 hours; so are the next two."""
    generation_kw: Annotated[float | None, Field(alias="generation_kW")]
    battery_soc: float | None
    """Per cent."""
    alerts: AlertCounts
    devices: DeviceCounts
    newest_value_at: WireTime | None
    """When the newest of the values was measured."""


class GridSummary(GridOverview):
    """How a grid stands right now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **OVERVIEW_EXAMPLE,
                    "values": {
                        "consumption_kw": {
                            "value": 10.5,
                            "unit": "kW",
                            "time": "2026-11-23T10:00:00.000Z",
                            "age_seconds": 2,
                            "stale": False,
                            "devices": 1,
                            "device_id": "meter-1",
                        }
                    },
                }
            ]
        }
    )

    values: dict[str, SummaryValue]
    """Canonical metric name → its newest value that is not older than 24 hours."""

    def overview(self) -> GridOverview:
        """The same in a line."""
        return GridOverview.model_validate({name: getattr(self, name) for name in GridOverview.model_fields})


class Summaries:
    """Makes summaries, each at most once a second.

    Args:
        ports: where devices, links and alerts are.
        feed: where the newest values are.
        now: the present, aware, in UTC.
    """

    def __init__(self, ports: ApiPorts, feed: LiveFeed, now: Callable[[], datetime]) -> None:
        self._ports = ports
        self._feed = feed
        self._now = now
        self._summaries = ShortMemory(self._make, good_for=GOOD_FOR)
        self._texts = ShortMemory(self._write, good_for=GOOD_FOR)

    async def get(self, grid_id: str) -> GridSummary:
        """The summary of a grid.

        Raises:
            UnavailableError: a store is away.
        """
        return await self._summaries.get(grid_id)

    async def get_json(self, grid_id: str) -> bytes:
        """The same as it is sent.

        Raises:
            UnavailableError: a store is away.
        """
        return await self._texts.get(grid_id)

    async def _write(self, grid_id: str) -> bytes:
        return (await self._summaries.get(grid_id)).model_dump_json().encode()

    async def _make(self, grid_id: str) -> GridSummary:
        if not self._feed.connected:
            raise UnavailableError("The log of live readings is away.")
        async with asking("telemetry store"):
            await self._feed.seed(grid_id)
        async with asking("store of the grid"):
            grid = await self._ports.grids.get(grid_id)
            alerts = await self._ports.records.count_active(grid_id)
            devices = await self._ports.devices.of_grid(grid_id)
            links = await self._ports.links.of_grid(grid_id)
        now = self._now()
        values = summary_values(self._feed, grid_id, now)
        return GridSummary(
            grid_id=grid_id,
            name=grid.name,
            time_zone=grid.time_zone,
            at=now,
            consumption_kw=_value(values, "consumption_kw"),
            generation_kw=_value(values, "generation_kw"),
            battery_soc=_whole_as_integer(_value(values, "battery_soc")),
            alerts=AlertCounts(**{severity.value: alerts.get(severity, 0) for severity in Severity}),
            devices=_device_counts(devices, links),
            newest_value_at=max((value.time for value in values.values()), default=None),
            values=values,
        )


def summary_values(feed: LiveFeed, grid_id: str, now: datetime) -> dict[str, SummaryValue]:
    """The newest values of a grid; powers are the sums of what its devices measure."""
    values: dict[str, SummaryValue] = {}
    flows = feed.flows.of_grid(grid_id, now=now)
    for metric, live in sorted(feed.values(grid_id).items()):
        flow = flows.get(metric)
        summed = flow is not None and flow.devices > 1
        time = flow.time if flow and summed else live.time
        age = max(0.0, (now - time).total_seconds())
        values[metric] = SummaryValue(
            value=flow.value_kw if flow and summed else live.value,
            unit=BY_NAME[metric].unit,
            time=time,
            age_seconds=age,
            stale=age > FRESH_FOR.total_seconds(),
            devices=flow.devices if flow and summed else 1,
            device_id=None if summed else live.device_id,
        )
    return values


def _value(values: dict[str, SummaryValue], metric: str) -> float | None:
    return values[metric].value if metric in values else None


def _whole_as_integer(value: float | None) -> float | None:
    return int(value) if value is not None and value.is_integer() else value


def _device_counts(devices: Iterable[Device], links: Iterable[DeviceLink]) -> DeviceCounts:
    links = list(links)
    return DeviceCounts(
        total=len({device.device_id for device in devices} | {link.device_id for link in links}),
        connected=sum(link.connected for link in links),
        stale=sum(link.stale for link in links),
    )
