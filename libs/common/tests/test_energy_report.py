"""What an energy report says, figure by figure, and why it leaves one out."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from microgrid_common.schemas.grid import GridFacts, Tariff
from microgrid_common.transforms.reports.days import Flow, Hours, figures_of_days
from microgrid_common.transforms.reports.energy_report import energy_report
from microgrid_common.transforms.reports.figures import (
    Availability,
    Cost,
    Energy,
    EnergyReport,
    Missing,
    PeriodFigures,
)
from microgrid_common.transforms.reports.periods import Period, days_from_to, stretches_of
from microgrid_common.transforms.rollups.calendar import HOUR_MS
from microgrid_common.transforms.rollups.rollup import Rollup

DAY = date(2026, 11, 23)
START_MS = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp()) * 1000
NEXT_DAY_MS = START_MS + 24 * HOUR_MS
FACTS = GridFacts(
    name="Village",
    tariff=Tariff(currency="KES", import_price_per_kwh=20, export_price_per_kwh=5),
    co2_kg_per_kwh=0.8,
    battery_capacity_kwh=10,
)


def hour(
    number: int, into: float = 0, out: float = 0, *, minutes: float = 60, volts: tuple[float, ...] = ()
) -> Rollup:
    """An hour of which some minutes are known."""
    start_ms = START_MS + number * HOUR_MS
    mean = sum(volts) / len(volts) if volts else None
    figures = (len(volts), mean, min(volts, default=None), max(volts, default=None))
    return Rollup(start_ms, start_ms + HOUR_MS, *figures, round(minutes * 60_000), into, out)


def a_day(into: float = 0, out: float = 0, *, hours: Iterable[int] = range(24)) -> list[Rollup]:
    """Hours that are known whole, each with the same energy."""
    return [hour(number, into, out) for number in hours]


def report(
    hours: Hours, *, days: int = 1, facts: GridFacts = FACTS, now_ms: int | None = None
) -> EnergyReport:
    last = date(2026, 11, 22 + days)
    of_days = figures_of_days(days_from_to(DAY, last, ZoneInfo("UTC")), hours)
    stretches = stretches_of(Period.DAY, DAY, last)
    after_all = START_MS + days * 24 * HOUR_MS
    return energy_report(of_days, stretches, facts, now_ms=after_all if now_ms is None else now_ms)


def total(hours: Hours, **options: Any) -> PeriodFigures:
    return report(hours, **options).total


def kwh(figures: PeriodFigures, flow: Flow) -> float | Missing:
    energy = figures.energies[flow]
    return energy.kwh if isinstance(energy, Energy) else energy


def test_devices_and_hours_add_up() -> None:
    figures = total({"generation_kw": {"roof": a_day(1), "barn": a_day(0.5)}})
    assert figures.energies[Flow.GENERATION] == Energy(0, 36, 1)


def test_a_meter_is_believed_before_the_power_of_the_same_device() -> None:
    figures = total({"consumption_kw": {"meter": a_day(1)}, "energy_consumed_kwh": {"meter": a_day(1.1)}})
    assert figures.energies[Flow.CONSUMPTION] == Energy(1.1 * 24, 0, 1)


def test_where_the_meter_was_silent_for_longer_the_power_counts() -> None:
    figures = total(
        {
            "consumption_kw": {"meter": a_day(1), "mill": a_day(2)},
            "energy_consumed_kwh": {"meter": a_day(1.1, hours=range(20)), "shop": a_day(1)},
        }
    )
    assert figures.energies[Flow.CONSUMPTION] == Energy(24, 72, 1)


def test_each_direction_is_a_flow_of_its_own() -> None:
    figures = total({"grid_power_kw": {"tie": a_day(1, 0.25)}, "battery_power_kw": {"bank": a_day(2, 1.5)}})
    flows = (Flow.IMPORT, Flow.EXPORT, Flow.CHARGED, Flow.DISCHARGED)
    assert [kwh(figures, flow) for flow in flows] == [24, 6, 48, 36]


def test_what_nobody_measures_is_unknown_and_says_so() -> None:
    figures = total({"generation_kw": {"roof": a_day(1)}, "consumption_kw": {"meter": a_day(1)}})
    unknown = [figures.energies[flow] for flow in (Flow.IMPORT, Flow.EXPORT, Flow.CHARGED, Flow.DISCHARGED)]
    assert set(unknown) == {Missing.NOT_MEASURED}
    assert {
        figures.self_sufficiency,
        figures.self_consumption,
        figures.battery_throughput_kwh,
        figures.battery_cycles,
        figures.cost,
        figures.availability,
    } == {Missing.NOT_MEASURED}


def test_nothing_flows_over_a_tie_that_is_known_to_be_open() -> None:
    island = {"generation_kw": {"roof": a_day(2)}, "consumption_kw": {"meter": a_day(1)}}
    is_open = [hour(number, volts=(0.0, 0.0)) for number in range(24)]
    figures = total({**island, "grid_tie_connected": {"inverter": is_open}})
    assert (figures.energies[Flow.IMPORT], figures.energies[Flow.EXPORT]) == (
        Energy(0, 0, 1),
        Energy(0, 0, 1),
    )
    assert (figures.self_sufficiency, figures.self_consumption) == (1, 1)
    is_open[7] = hour(7, volts=(0.0, 1.0))
    assert total({**island, "grid_tie_connected": {"one": is_open}}).energies[Flow.IMPORT] == Energy(
        0, 0, 23 / 24
    )


def test_what_flows_is_believed_before_the_state_of_the_tie() -> None:
    is_open = [hour(number, volts=(0.0, 0.0)) for number in range(12)]
    hours = {"grid_power_kw": {"tie": a_day(1)}, "grid_tie_connected": {"inverter": is_open}}
    assert total(hours).energies[Flow.IMPORT] == Energy(0, 24, 1)


def test_a_day_without_data_is_unknown_and_not_zero() -> None:
    found = report({"consumption_kw": {"meter": a_day(1)}}, days=2)
    assert kwh(found.periods[0], Flow.CONSUMPTION) == 24
    empty = found.periods[1]
    assert kwh(empty, Flow.CONSUMPTION) is Missing.NO_DATA
    assert (empty.peak, empty.load_factor) == (Missing.NO_DATA, Missing.NO_DATA)
    assert kwh(empty, Flow.GENERATION) is Missing.NOT_MEASURED
    assert found.total.energies[Flow.CONSUMPTION] == Energy(0, 24, 0.5)


def test_a_single_point_is_no_energy() -> None:
    assert kwh(total({"consumption_kw": {"meter": [hour(3, minutes=0)]}}), Flow.CONSUMPTION) is (
        Missing.NOT_MEASURED
    )


def test_what_is_known_for_a_part_of_the_time_is_said_with_that_part() -> None:
    figures = total({"consumption_kw": {"meter": [hour(5, 3, minutes=30), hour(6, 2, minutes=42)]}})
    assert figures.energies[Flow.CONSUMPTION] == Energy(0, 5, 0.05)


def test_a_device_that_falls_silent_shows_in_the_coverage() -> None:
    found = report(
        {"generation_kw": {"roof": [*a_day(1), *a_day(1, hours=range(24, 48))], "barn": a_day(1)}}, days=2
    )
    coverages = [
        energy.coverage
        for figures in (*found.periods, found.total)
        if isinstance(energy := figures.energies[Flow.GENERATION], Energy)
    ]
    assert coverages == [1, 0.5, 0.75]


def test_of_a_day_that_runs_only_the_past_is_expected() -> None:
    figures = total({"consumption_kw": {"meter": a_day(1, hours=range(6))}}, now_ms=START_MS + 6 * HOUR_MS)
    assert figures.energies[Flow.CONSUMPTION] == Energy(0, 6, 1)
    assert not figures.is_over
    assert figures.load_factor == 1


def test_a_clock_that_is_ahead_does_not_know_more_than_everything() -> None:
    figures = total({"consumption_kw": {"meter": a_day(1, hours=range(7))}}, now_ms=START_MS + 6 * HOUR_MS)
    assert figures.energies[Flow.CONSUMPTION] == Energy(0, 7, 1)
    assert figures.load_factor == 1


def test_self_sufficiency_and_self_consumption() -> None:
    figures = total(
        {
            "generation_kw": {"roof": a_day(2)},
            "consumption_kw": {"meter": a_day(2.5)},
            "grid_power_kw": {"tie": a_day(1, 0.5)},
        }
    )
    assert (figures.self_sufficiency, figures.self_consumption) == (0.6, 0.75)


def test_what_charges_a_battery_from_the_utility_makes_no_share_below_zero() -> None:
    figures = total({"consumption_kw": {"meter": a_day(1)}, "grid_power_kw": {"tie": a_day(2)}})
    assert figures.self_sufficiency == 0


def test_a_share_of_nothing_is_none() -> None:
    nothing = {"generation_kw": {"roof": a_day()}, "consumption_kw": {"meter": a_day()}}
    figures = total({**nothing, "grid_power_kw": {"tie": a_day(0, 1)}})
    assert {figures.self_sufficiency, figures.self_consumption, figures.load_factor} == {Missing.NO_ENERGY}


@pytest.mark.parametrize("silent", ["consumption_kw", "grid_power_kw"])
def test_a_share_is_told_only_where_both_parts_are_known_for_nearly_all_of_the_time(silent: str) -> None:
    hours = {"consumption_kw": {"meter": a_day(1)}, "grid_power_kw": {"tie": a_day(0.5)}}
    assert total(hours).self_sufficiency == 0.5
    gap = [row for row in a_day(1) if row.start_ms != START_MS + 7 * HOUR_MS]
    assert isinstance(total({**hours, silent: {"one": gap}}).self_sufficiency, float)
    assert total({**hours, silent: {"one": gap[1:]}}).self_sufficiency is Missing.LOW_COVERAGE


def test_cycles_need_the_capacity_of_the_battery() -> None:
    hours = {"battery_power_kw": {"bank": a_day(0.5, 0.4)}}
    figures = total(hours)
    assert figures.battery_throughput_kwh == pytest.approx(21.6)
    assert figures.battery_cycles == pytest.approx(1.08)
    unknown = total(hours, facts=GridFacts(name="Village"))
    assert unknown.battery_throughput_kwh == pytest.approx(21.6)
    assert unknown.battery_cycles is Missing.NO_CAPACITY


def test_the_peak_is_that_of_an_hour_of_all_devices_together() -> None:
    evening = [hour(18, 3), hour(19, 4)]
    mill = [hour(17, 4.5), hour(18, 2), hour(19, 1)]
    peak = total({"consumption_kw": {"meter": evening, "mill": mill}}).peak
    assert not isinstance(peak, Missing)
    assert (peak.kw, (peak.start_ms - START_MS) // HOUR_MS) == (5, 18)


def test_an_hour_that_is_half_known_makes_no_higher_peak_than_what_is_known() -> None:
    peak = total({"consumption_kw": {"meter": [hour(18, 3, minutes=30), hour(19, 4)]}}).peak
    assert not isinstance(peak, Missing)
    assert peak.kw == 4


def test_the_load_factor_is_mean_by_peak() -> None:
    figures = total({"consumption_kw": {"meter": [*a_day(1, hours=range(23)), hour(23, 4)]}})
    assert figures.load_factor == pytest.approx(27 / 24 / 4)
    few = total({"consumption_kw": {"meter": a_day(1, hours=range(20))}})
    assert few.load_factor is Missing.LOW_COVERAGE


def test_money_and_carbon_come_from_the_description_of_the_grid() -> None:
    hours = {"generation_kw": {"roof": a_day(2)}, "grid_power_kw": {"tie": a_day(1, 0.5)}}
    figures = total(hours)
    assert figures.co2_avoided_kg == pytest.approx(38.4)
    assert figures.cost == Cost("KES", 480, 60)
    assert isinstance(figures.cost, Cost)
    assert figures.cost.net_cost == 420
    undescribed = total(hours, facts=GridFacts(name="Village"))
    assert (undescribed.co2_avoided_kg, undescribed.cost) == (Missing.NO_CO2_FACTOR, Missing.NO_TARIFF)


def test_a_factor_of_zero_is_a_factor() -> None:
    facts = FACTS.model_copy(update={"co2_kg_per_kwh": 0.0})
    assert total({"generation_kw": {"roof": a_day(2)}}, facts=facts).co2_avoided_kg == 0


def test_availability_is_the_share_of_the_known_time_with_voltage() -> None:
    on, off, went = (229.0, 230.0, 231.0), (0.0, 0.4), (230.0, 230.0, 230.0, 0.0)
    hours = [hour(number, volts=on) for number in range(9)]
    assert total({"ac_voltage_v": {"meter": hours}}).availability == Availability(1, 9 / 24, 0)
    hours.append(hour(9, volts=off))
    assert total({"ac_voltage_v": {"meter": hours}}).availability == Availability(0.9, 10 / 24, 0)
    hours[0] = hour(0, volts=went)
    assert total({"ac_voltage_v": {"meter": hours}}).availability == Availability(0.875, 10 / 24, 0.1)


def test_silence_is_no_outage_and_no_supply() -> None:
    crossed = hour(3, minutes=10)
    assert total({"ac_voltage_v": {"meter": [crossed]}}).availability is Missing.NOT_MEASURED


def test_hours_of_other_days_count_nothing() -> None:
    before, after = hour(-1, 5), hour(24, 5)
    assert kwh(total({"generation_kw": {"roof": [before, *a_day(1), after]}}), Flow.GENERATION) == 24


def test_a_period_says_when_it_is() -> None:
    figures = total({})
    assert (figures.start_ms, figures.end_ms, figures.is_over) == (START_MS, NEXT_DAY_MS, True)
    assert (figures.stretch.first, figures.stretch.last) == (DAY, DAY)
