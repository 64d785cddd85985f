"""What a report says: figures, and why one is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from microgrid_common.transforms.reports.days import Flow, Peak
from microgrid_common.transforms.reports.periods import Stretch

ENOUGH_COVERAGE: Final = 0.95
"""Ratios are told when this much of the time of each of their parts is known: else one part may be known for
another time than the other, and the ratio says nothing about either."""


class Missing(StrEnum):
    """Why a figure is not told."""

    NOT_MEASURED = "not_measured"
    """No device measures it."""
    NO_DATA = "no_data"
    """Nothing is known about this time."""
    LOW_COVERAGE = "low_coverage"
    """Less than `ENOUGH_COVERAGE` of the time is known."""
    NO_ENERGY = "no_energy"
    """It is a share of nothing."""
    NO_TARIFF = "no_tariff"
    """The grid's description has none."""
    NO_CO2_FACTOR = "no_co2_factor"
    """The grid's description has none."""
    NO_CAPACITY = "no_capacity"
    """The grid's description says nothing about the battery's capacity."""


Figure = float | Missing


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy of one kind, of all devices together."""

    metered_kwh: float
    integrated_kwh: float
    """Estimated: from the power at the times of the readings and straight lines between them."""
    coverage: float
    """The share of the time that is known, over all devices that measure it; below 1 it is a lower bound."""

    @property
    def kwh(self) -> float:
        """All of it."""
        return self.metered_kwh + self.integrated_kwh


@dataclass(frozen=True, slots=True)
class Cost:
    """Money, in `currency`."""

    currency: str
    import_cost: float
    export_income: float

    @property
    def net_cost(self) -> float:
        """What is to be paid; negative for what is earned."""
        return self.import_cost - self.export_income


@dataclass(frozen=True, slots=True)
class Availability:
    """For how much of the time there was voltage."""

    share: float
    """Of the time that is known."""
    coverage: float
    """The share of the time, over all devices that measure the voltage, that is known."""
    estimated_share: float
    """The share of the known time in hours in which the voltage came or went."""


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """What is told about one day, week or month."""

    stretch: Stretch
    start_ms: int
    end_ms: int
    is_over: bool
    """Whether all of it is in the past; of one that runs, the part is meant that is."""
    energies: Mapping[Flow, Energy | Missing]
    self_sufficiency: Figure
    self_consumption: Figure
    battery_throughput_kwh: Figure
    battery_cycles: Figure
    peak: Peak | Missing
    """Of the consumption."""
    load_factor: Figure
    co2_avoided_kg: Figure
    cost: Cost | Missing
    availability: Availability | Missing


@dataclass(frozen=True, slots=True)
class EnergyReport:
    """The figures of each stretch, in order of time, and of all of it."""

    periods: Sequence[PeriodFigures]
    total: PeriodFigures
