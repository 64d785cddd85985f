"""Adding days up to the figures of each day, week or month, and of all of them together."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum

from microgrid_common.schemas.grid import GridFacts, Tariff
from microgrid_common.transforms.reports import definitions
from microgrid_common.transforms.reports.days import DayFigures, DeviceEnergy, Flow, Peak, highest
from microgrid_common.transforms.reports.figures import (
    ENOUGH_COVERAGE,
    Availability,
    Cost,
    Energy,
    EnergyReport,
    Figure,
    Missing,
    PeriodFigures,
)
from microgrid_common.transforms.reports.periods import Stretch
from microgrid_common.transforms.rollups.calendar import HOUR_MS


def energy_report(
    days: Sequence[DayFigures], stretches: Sequence[Stretch], facts: GridFacts, *, now_ms: int
) -> EnergyReport:
    """Add days up.

    Args:
        days: at least one; in order, without a gap.
        stretches: what they are divided into.
        facts: what is known about the grid.
        now_ms: the present, in milliseconds since 1970: what is later cannot be known yet.
    """
    days = _with_open_tie(days)
    sensors = _Sensors(
        {flow: len({device_id for day in days for device_id in day.energies[flow]}) for flow in Flow},
        len({device_id for day in days for device_id in day.supply}),
    )

    def figures(stretch: Stretch) -> PeriodFigures:
        first, last = ((date - days[0].day.date).days for date in (stretch.first, stretch.last))
        return _figures(stretch, days[first : last + 1], facts, sensors, now_ms)

    whole = Stretch("total", days[0].day.date, days[-1].day.date)
    return EnergyReport([figures(stretch) for stretch in stretches], figures(whole))


def _with_open_tie(days: Sequence[DayFigures]) -> Sequence[DayFigures]:
    """Nothing flows over a tie that is known to be open: that counts where no device measures what flows.

    It is the same for all of the report. A device that sees the tie closed would count as one that is silent.
    """
    if any(day.energies[Flow.IMPORT] for day in days):
        return days
    return [
        replace(day, energies={**day.energies, Flow.IMPORT: nothing, Flow.EXPORT: nothing})
        for day in days
        for nothing in [
            {device_id: DeviceEnergy(0.0, 0.0, open_ms) for device_id, open_ms in day.open_tie_ms.items()}
        ]
    ]


@dataclass(frozen=True, slots=True)
class _Sensors:
    """How many devices there are that measure something in the time of the report."""

    of_flow: Mapping[Flow, int]
    of_voltage: int


def _figures(
    stretch: Stretch, days: Sequence[DayFigures], facts: GridFacts, sensors: _Sensors, now_ms: int
) -> PeriodFigures:
    start_ms, end_ms = days[0].day.span.start_ms, days[-1].day.span.end_ms
    past_ms = max(0, min(end_ms, now_ms) - start_ms)
    energies = {flow: _energy(flow, days, sensors.of_flow[flow], past_ms) for flow in Flow}
    generation, consumption = energies[Flow.GENERATION], energies[Flow.CONSUMPTION]
    throughput = _throughput(energies[Flow.CHARGED], energies[Flow.DISCHARGED])
    peak = highest(day.peak for day in days if day.peak)
    return PeriodFigures(
        stretch=stretch,
        start_ms=start_ms,
        end_ms=end_ms,
        is_over=end_ms <= now_ms,
        energies=energies,
        self_sufficiency=_share(definitions.self_sufficiency, consumption, energies[Flow.IMPORT]),
        self_consumption=_share(definitions.self_consumption, generation, energies[Flow.EXPORT]),
        battery_throughput_kwh=throughput,
        battery_cycles=_cycles(throughput, facts.battery_capacity_kwh),
        peak=peak or _why_missing(consumption),
        load_factor=_load_factor(consumption, peak, past_ms),
        co2_avoided_kg=_co2_avoided(generation, facts.co2_kg_per_kwh),
        cost=_cost(energies[Flow.IMPORT], energies[Flow.EXPORT], facts.tariff),
        availability=_availability(days, sensors.of_voltage, past_ms),
    )


def _energy(flow: Flow, days: Iterable[DayFigures], sensors: int, past_ms: int) -> Energy | Missing:
    found = [energy for day in days for energy in day.energies[flow].values()]
    if not found:
        return Missing.NO_DATA if sensors else Missing.NOT_MEASURED
    return Energy(
        metered_kwh=fsum(energy.metered_kwh for energy in found),
        integrated_kwh=fsum(energy.integrated_kwh for energy in found),
        coverage=_coverage(sum(energy.covered_ms for energy in found), sensors * past_ms),
    )


def _coverage(covered_ms: int, expected_ms: int) -> float:
    # The clock of a device may be ahead of ours: then it tells about more than has passed.
    return min(1.0, covered_ms / expected_ms) if expected_ms else 1.0


def _why_missing(*parts: Energy | Missing) -> Missing:
    return next((part for part in parts if isinstance(part, Missing)), Missing.NO_DATA)


def _share(
    define: Callable[[float, float], float], whole: Energy | Missing, part: Energy | Missing
) -> Figure:
    if isinstance(whole, Missing) or isinstance(part, Missing):
        return _why_missing(whole, part)
    if min(whole.coverage, part.coverage) < ENOUGH_COVERAGE:
        return Missing.LOW_COVERAGE
    return define(whole.kwh, part.kwh) if whole.kwh else Missing.NO_ENERGY


def _throughput(charged: Energy | Missing, discharged: Energy | Missing) -> Figure:
    if isinstance(charged, Missing) or isinstance(discharged, Missing):
        return _why_missing(charged, discharged)
    return definitions.battery_throughput(charged.kwh, discharged.kwh)


def _cycles(throughput: Figure, capacity_kwh: float | None) -> Figure:
    if isinstance(throughput, Missing):
        return throughput
    return definitions.battery_cycles(throughput, capacity_kwh) if capacity_kwh else Missing.NO_CAPACITY


def _load_factor(consumption: Energy | Missing, peak: Peak | None, past_ms: int) -> Figure:
    if isinstance(consumption, Missing) or peak is None:
        return _why_missing(consumption)
    if consumption.coverage < ENOUGH_COVERAGE:
        return Missing.LOW_COVERAGE
    if not past_ms:
        return Missing.NO_DATA
    if not peak.kw:
        return Missing.NO_ENERGY
    return definitions.load_factor(consumption.kwh, peak.kw, past_ms / HOUR_MS)


def _co2_avoided(generation: Energy | Missing, kg_per_kwh: float | None) -> Figure:
    if isinstance(generation, Missing):
        return generation
    if kg_per_kwh is None:
        return Missing.NO_CO2_FACTOR
    return definitions.co2_avoided_kg(generation.kwh, kg_per_kwh)


def _cost(imported: Energy | Missing, exported: Energy | Missing, tariff: Tariff | None) -> Cost | Missing:
    if isinstance(imported, Missing) or isinstance(exported, Missing):
        return _why_missing(imported, exported)
    if tariff is None:
        return Missing.NO_TARIFF
    return Cost(
        currency=tariff.currency,
        import_cost=imported.kwh * tariff.import_price_per_kwh,
        export_income=exported.kwh * tariff.export_price_per_kwh,
    )


def _availability(days: Iterable[DayFigures], sensors: int, past_ms: int) -> Availability | Missing:
    found = [supply for day in days for supply in day.supply.values()]
    if not found:
        return Missing.NO_DATA if sensors else Missing.NOT_MEASURED
    known_ms = sum(supply.known_ms for supply in found)
    return Availability(
        share=definitions.availability(fsum(supply.on_ms for supply in found), known_ms),
        coverage=_coverage(known_ms, sensors * past_ms),
        estimated_share=sum(supply.estimated_ms for supply in found) / known_ms,
    )
