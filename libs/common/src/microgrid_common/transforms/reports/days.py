"""What is known about single days, from the hours of each device.

Energy is the growth of a meter where the device has one that tells about as much of the day, else the area
under its power: E = Σ P·τ, as IEC 61724-1 calculates energy from recorded power. Which of the two it was is
kept apart. Devices add up: each measures a part of the plant of its own.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import fsum
from types import MappingProxyType
from typing import Final, NamedTuple

from microgrid_common.transforms.reports.periods import Day
from microgrid_common.transforms.rollups.calendar import HOUR_MS
from microgrid_common.transforms.rollups.rollup import Rollup

Hours = Mapping[str, Mapping[str, Iterable[Rollup]]]
"""Canonical metric name → device → its hours."""

VOLTAGE_METRIC: Final = "ac_voltage_v"
TIE_METRIC: Final = "grid_tie_connected"

OFF_BELOW_V: Final = 11.5
"""Below 5 % of the reference voltage, 230 V here, the supply is interrupted: EN 50160. Where 120 V is usual
it is a tenth of that, which no supply has either."""


class Flow(StrEnum):
    """Energy of one kind and direction."""

    GENERATION = "generation"
    CONSUMPTION = "consumption"
    IMPORT = "import"
    """From the utility, over the grid tie."""
    EXPORT = "export"
    """To the utility."""
    CHARGED = "battery_charged"
    DISCHARGED = "battery_discharged"


class _Source(NamedTuple):
    power: str
    meter: str | None
    is_outward: bool


_SOURCES: Final = MappingProxyType(
    {
        Flow.GENERATION: _Source("generation_kw", "energy_generated_kwh", is_outward=False),
        Flow.CONSUMPTION: _Source("consumption_kw", "energy_consumed_kwh", is_outward=False),
        Flow.IMPORT: _Source("grid_power_kw", None, is_outward=False),
        Flow.EXPORT: _Source("grid_power_kw", None, is_outward=True),
        Flow.CHARGED: _Source("battery_power_kw", None, is_outward=False),
        Flow.DISCHARGED: _Source("battery_power_kw", None, is_outward=True),
    }
)

METRICS: Final = tuple(
    sorted(
        {VOLTAGE_METRIC, TIE_METRIC}
        | {source.power for source in _SOURCES.values()}
        | {source.meter for source in _SOURCES.values() if source.meter}
    )
)
"""What a report is made from: canonical metric names."""


class DeviceEnergy(NamedTuple):
    """Energy that one device measured in one day."""

    metered_kwh: float
    """By how much its meter grew."""
    integrated_kwh: float
    """The area under its power; one of the two is 0."""
    covered_ms: int
    """How much of the day it tells about."""


class DeviceSupply(NamedTuple):
    """For how long one device had voltage in one day; in milliseconds."""

    on_ms: float
    known_ms: int
    estimated_ms: int
    """Of `known_ms`: in hours in which the voltage came or went."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The hour of the highest consumption."""

    kw: float
    """The energy of the hour by its length: a lower bound where the hour is not wholly known."""
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class DayFigures:
    """What is known about one day."""

    day: Day
    energies: Mapping[Flow, Mapping[str, DeviceEnergy]]
    """By device; without those of which nothing is known on this day."""
    supply: Mapping[str, DeviceSupply]
    open_tie_ms: Mapping[str, int]
    """For how long each device saw the grid tie disconnected: nothing is imported or exported then."""
    peak: Peak | None
    """None: nothing is known about the consumption of any hour."""


def figures_of_days(days: Sequence[Day], hours: Hours) -> list[DayFigures]:
    """What is known about some days.

    Args:
        days: in order, without a gap.
        hours: of the grid's clock, in any order. Those of other days count nothing, and one that is there
            twice counts once.
    """
    placed = _by_day(days, hours)
    return [_figures(day, of_day) for day, of_day in zip(days, placed, strict=True)]


_DayHours = Mapping[str, Mapping[str, Sequence[Rollup]]]


def _by_day(days: Sequence[Day], hours: Hours) -> list[dict[str, dict[str, list[Rollup]]]]:
    starts = [day.span.start_ms for day in days]
    placed: list[dict[str, dict[str, list[Rollup]]]] = [defaultdict(dict) for _ in days]
    for metric, by_device in hours.items():
        for device_id, rows in by_device.items():
            for row in {row.start_ms: row for row in rows}.values():
                number = bisect_right(starts, row.start_ms) - 1
                if number >= 0 and row.end_ms <= days[number].span.end_ms:
                    placed[number][metric].setdefault(device_id, []).append(row)
    return placed


def _figures(day: Day, hours: _DayHours) -> DayFigures:
    chosen = {flow: _chosen(source, hours) for flow, source in _SOURCES.items()}
    energies = {
        flow: {
            device_id: _energy(rows, source, is_metered) for device_id, (rows, is_metered) in found.items()
        }
        for (flow, source), found in zip(_SOURCES.items(), chosen.values(), strict=True)
    }
    consumed = [row for rows, _ in chosen[Flow.CONSUMPTION].values() for row in rows]
    supply = {device_id: _supply(rows) for device_id, rows in hours.get(VOLTAGE_METRIC, {}).items()}
    open_tie_ms = {device_id: _open_ms(rows) for device_id, rows in hours.get(TIE_METRIC, {}).items()}
    return DayFigures(
        day=day,
        energies={
            flow: {device_id: energy for device_id, energy in found.items() if energy.covered_ms}
            for flow, found in energies.items()
        },
        supply={device_id: found for device_id, found in supply.items() if found.known_ms},
        open_tie_ms={device_id: open_ms for device_id, open_ms in open_tie_ms.items() if open_ms},
        peak=_peak(consumed),
    )


def _chosen(source: _Source, hours: _DayHours) -> dict[str, tuple[Sequence[Rollup], bool]]:
    """Device → the rows that tell more about the day, and whether they are its meter's."""
    powers = hours.get(source.power, {})
    meters = hours.get(source.meter, {}) if source.meter else {}
    found: dict[str, tuple[Sequence[Rollup], bool]] = {}
    for device_id in sorted(powers.keys() | meters.keys()):
        power, meter = powers.get(device_id, ()), meters.get(device_id, ())
        is_metered = bool(meter) and _covered_ms(meter) >= _covered_ms(power)
        found[device_id] = (meter if is_metered else power, is_metered)
    return found


def _covered_ms(rows: Iterable[Rollup]) -> int:
    return sum(row.covered_ms for row in rows)


def _energy(rows: Sequence[Rollup], source: _Source, is_metered: bool) -> DeviceEnergy:  # noqa: FBT001
    kwh = fsum(row.energy_out_kwh if source.is_outward else row.energy_in_kwh for row in rows)
    metered, integrated = (kwh, 0.0) if is_metered else (0.0, kwh)
    return DeviceEnergy(metered, integrated, _covered_ms(rows))


def _peak(rows: Iterable[Rollup]) -> Peak | None:
    by_hour: dict[tuple[int, int], list[float]] = defaultdict(list)
    for row in rows:
        if row.covered_ms:
            by_hour[row.start_ms, row.end_ms].append(row.energy_in_kwh)
    peaks = (
        Peak(fsum(kwh) * HOUR_MS / (end_ms - start_ms), start_ms, end_ms)
        for (start_ms, end_ms), kwh in by_hour.items()
    )
    return highest(peaks)


def highest(peaks: Iterable[Peak]) -> Peak | None:
    """The highest one, of several the first in time; None of none."""
    return max(peaks, key=lambda peak: (peak.kw, -peak.start_ms), default=None)


def _supply(rows: Iterable[Rollup]) -> DeviceSupply:
    known = [(row, share) for row in rows if (share := _share_with_voltage(row)) is not None]
    return DeviceSupply(
        on_ms=fsum(share * row.covered_ms for row, share in known),
        known_ms=sum(row.covered_ms for row, _ in known),
        estimated_ms=sum(row.covered_ms for row, share in known if 0 < share < 1),
    )


def _open_ms(rows: Iterable[Rollup]) -> int:
    return sum(row.covered_ms for row in rows if row.maximum == 0)


def _share_with_voltage(row: Rollup) -> float | None:
    """For how much of the known part of an hour there was voltage; None when no point tells.

    In an hour in which it came or went it is estimated: by the mean voltage to the highest one.
    """
    if row.minimum is None or row.maximum is None or row.mean is None:
        return None
    if row.maximum < OFF_BELOW_V:
        return 0.0
    return 1.0 if row.minimum >= OFF_BELOW_V else row.mean / row.maximum
