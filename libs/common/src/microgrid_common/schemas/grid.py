"""Grids: what people say about each."""

from functools import cache
from typing import Annotated
from unicodedata import category
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from microgrid_common.schemas.identifiers import Identifier


@cache
def _time_zones() -> frozenset[str]:
    # Some systems have a file of their own zone beside the others: it means something else on each machine.
    return frozenset(available_timezones() - {"localtime", "Factory"})


def _known_zone(name: str) -> str:
    if name not in _time_zones():
        raise PydanticCustomError(
            "unknown_time_zone", "A time zone of the IANA database, such as Africa/Nairobi"
        )
    return name


def _printable(text: str) -> str:
    if any(category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text):
        raise PydanticCustomError("control_character", "One line without control characters")
    return text


TimeZoneName = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known_zone)]
GridName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, strip_whitespace=True),
    AfterValidator(_printable),
]
Price = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class Tariff(BaseModel):
    """What a kilowatt-hour costs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """ISO 4217, such as `KES`."""
    import_price_per_kwh: Price
    """Paid for a kWh from the utility, in `currency`."""
    export_price_per_kwh: Price
    """Got for a kWh given to the utility, in `currency`."""


class GridFacts(BaseModel):
    """What is known about a grid beside its id."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: GridName
    """For people."""
    time_zone: TimeZoneName = "UTC"
    """Whose clock is on the wall there: an IANA name. Hours and days of the grid are those of this clock."""
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    """Degrees north."""
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None
    """Degrees east."""
    tariff: Tariff | None = None
    """None: nothing is said about costs."""
    co2_kg_per_kwh: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] | None = None
    """What a kWh of the energy causes that the grid's own generation replaces, such as 0.8 of diesel."""
    battery_capacity_kwh: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = None
    """What the battery holds between empty and full; needed to count its cycles."""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone by its name."""
        return ZoneInfo(self.time_zone)


class Grid(GridFacts):
    """A grid as it is stored."""

    grid_id: Identifier
    version: Annotated[int, Field(ge=0)] = 0
    """How often somebody has described it; 0: nobody has."""
