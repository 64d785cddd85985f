"""The JSON of grids."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, JsonValue

from microgrid_common.schemas.grid import Grid, GridFacts

_FACTS: dict[str, JsonValue] = {
    "name": "Kisumu South",
    "time_zone": "Africa/Nairobi",
    "latitude": -0.1,
    "longitude": 34.75,
    "tariff": {"currency": "KES", "import_price_per_kwh": 28.5, "export_price_per_kwh": 12},
    "co2_kg_per_kwh": 0.8,
    "battery_capacity_kwh": 100,
}


def _example(**fields: JsonValue) -> ConfigDict:
    return ConfigDict(use_attribute_docstrings=True, json_schema_extra={"examples": [fields]})


class GridView(GridFacts):
    """A grid as it is known."""

    model_config = _example(grid_id="village-1", version=2, **_FACTS)

    grid_id: str
    version: int
    """How often somebody has described it; 0: nobody has, and its name is its id."""

    @classmethod
    def of(cls, grid: Grid) -> Self:
        """`grid` as clients see it."""
        return cls.model_validate(grid.model_dump())


class ChangedGrid(GridFacts):
    """What is to be known about a grid from now on, all of it."""

    model_config = _example(version=1, **_FACTS)

    version: Annotated[int, Field(ge=0)] | None = None
    """The version that it replaces, unless `If-Match` says that; 0 for the first one."""

    def grid(self, grid_id: str, version: int) -> Grid:
        """As it is to be stored, over `version`."""
        return Grid(**{**dict(self), "grid_id": grid_id, "version": version})
