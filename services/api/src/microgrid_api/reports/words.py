"""How figures are written, for any country: ISO dates, a point, and narrow blanks between thousands."""

import math
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from microgrid_api.reports.views import CostView, EnergyView, PeakView
from microgrid_common.transforms.reports.figures import ENOUGH_COVERAGE, Missing

BLANK: Final = "\N{NARROW NO-BREAK SPACE}"
AT_LEAST: Final = f"\N{GREATER-THAN OR EQUAL TO}{BLANK}"
OF_KNOWN_TIME: Final = "°"
_MINUS: Final = "\N{MINUS SIGN}"

_DECIMALS: Final = ((0, 999.95), (1, 9.995))
"""How many a number has from where on, rounded: three or four digits are worth reading."""

_NEARLY_ALL: Final = 0.9
_ROUNDING: Final = 1e-6

REASONS: Final = {
    Missing.NOT_MEASURED: "no device measures it",
    Missing.NO_DATA: "nothing is known about this time",
    Missing.LOW_COVERAGE: f"less than {ENOUGH_COVERAGE * 100:.0f}{BLANK}% of the time is known",
    Missing.NO_ENERGY: "it would be a share of nothing",
    Missing.NO_TARIFF: "the description of the grid has no tariff",
    Missing.NO_CO2_FACTOR: "the description of the grid has no CO\N{SUBSCRIPT TWO} factor",
    Missing.NO_CAPACITY: "the description of the grid has no battery capacity",
}

FIGURES: Final = {
    "generation": "Generation",
    "consumption": "Consumption",
    "import": "Import",
    "export": "Export",
    "battery_charged": "Battery charged",
    "battery_discharged": "Battery discharged",
    "battery_throughput_kwh": "Battery throughput",
    "battery_cycles": "Battery cycles",
    "self_sufficiency": "Self-sufficiency",
    "self_consumption": "Self-consumption",
    "peak": "Peak",
    "load_factor": "Load factor",
    "co2_avoided_kg": "CO\N{SUBSCRIPT TWO} avoided",
    "cost": "Cost",
    "availability": "Availability",
}
"""What the figures of the JSON are called."""


def number(figure: float, decimals: int | None = None) -> str:
    """A number with as many decimals as are worth reading, or with a certain number of them."""
    if decimals is None:
        decimals = next((few for few, above in _DECIMALS if abs(figure) >= above), 2)
    text = f"{figure:,.{decimals}f}".replace(",", BLANK).replace("-", _MINUS)
    return text.removeprefix(_MINUS) if float(f"{figure:.{decimals}f}") == 0 else text


def percent(share: float) -> str:
    """A share as a percentage."""
    return f"{share * 100:.0f}{BLANK}%"


def percent_of_time(share: float) -> str:
    """A share of the time. Near all of it a tenth counts, and nothing less than all is shown as all."""
    if _NEARLY_ALL <= share < 1:
        return f"{math.floor(share * 1_000 + _ROUNDING) / 10:g}{BLANK}%"
    return percent(share)


def is_whole(energy: EnergyView) -> bool:
    """Whether it is known for all of the time."""
    return energy.coverage >= 1


def kilowatt_hours(energy: EnergyView | None) -> str | None:
    """The energy without its unit; None for none."""
    return None if energy is None else at_least(energy.kwh, energy)


def at_least(figure: float, *parts: EnergyView | None) -> str:
    """A figure that grows with energies, marked where these are not known for all of the time."""
    marked = any(part and not is_whole(part) for part in parts)
    return f"{AT_LEAST if marked else ''}{number(figure)}"


def net_cost(cost: CostView, *parts: EnergyView | None) -> str:
    """Money; marked where what it is made from is not known for all of the time: it may be more or less."""
    marked = any(part and not is_whole(part) for part in parts)
    return f"{number(cost.net_cost, 2)}{OF_KNOWN_TIME if marked else ''}"


def peak_hour(peak: PeakView, zone: ZoneInfo) -> str:
    """When the hour of the peak begins, by the clock on the wall."""
    return f"{peak.start.astimezone(zone):%Y-%m-%d %H:%M}"


def minute(time: datetime, zone: ZoneInfo) -> str:
    """A time by the clock on the wall, with how far that is from UTC."""
    return time.astimezone(zone).isoformat(sep=" ", timespec="minutes")
