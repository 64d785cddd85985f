"""What an energy report's page says: the figures on its cards and in its tables, in words."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from zoneinfo import ZoneInfo

from microgrid_api.reports.views import AvailabilityView, EnergyReportView, EnergyView, PeriodView
from microgrid_api.reports.words import (
    FIGURES,
    REASONS,
    at_least,
    kilowatt_hours,
    net_cost,
    number,
    peak_hour,
    percent,
    percent_of_time,
)

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Card:
    """One figure of the whole report."""

    title: str
    value: str | None
    """None for one that is not known: it is not shown."""
    unit: str = ""
    words: Sequence[str | None] = ()
    """What else is told about it; lines are broken between them."""


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of each period."""

    title: str
    unit: str
    cells: Sequence[str | None]
    """One a period, and the total last; None where nothing is known."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """How well the energy of one kind is known."""

    title: str
    coverage: str
    metered: str
    estimated: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Figures that are missing for one reason."""

    titles: str
    reason: str


def cards_of(total: PeriodView, zone: ZoneInfo) -> list[Card]:
    """The figures of the whole report that are known."""
    cards = [
        _energy_card("Generation", total.generation),
        _energy_card("Consumption", total.consumption),
        _energy_card("Import", total.imported),
        _energy_card("Export", total.export),
        Card("Self-sufficiency", _told(total.self_sufficiency, percent)),
        Card("Self-consumption", _told(total.self_consumption, percent)),
        Card(
            "Peak",
            _told(total.peak, lambda peak: number(peak.kw)),
            "kW",
            ("hour from", _told(total.peak, lambda peak: peak_hour(peak, zone))),
        ),
        Card(
            "Load factor", _told(total.load_factor, lambda factor: number(factor, 2)), "", ("mean by peak",)
        ),
        Card(
            "Battery",
            _throughput(total),
            "kWh",
            (_told(total.battery_cycles, lambda cycles: f"{number(cycles)} full cycles"),),
        ),
        Card(
            "Availability",
            _told(total.availability, lambda supply: percent_of_time(supply.share)),
            "",
            _of_the_time(total.availability),
        ),
        Card(FIGURES["co2_avoided_kg"], _co2_avoided(total), "kg"),
        Card(
            "Net cost",
            _net_cost(total),
            total.cost.currency if total.cost else "",
            (
                _told(total.cost, lambda cost: f"import {number(cost.import_cost, 2)}"),
                _told(total.cost, lambda cost: f"export {number(cost.export_income, 2)}"),
            ),
        ),
    ]
    return [card for card in cards if card.value is not None]


def _energy_card(title: str, energy: EnergyView | None) -> Card:
    return Card(title, kilowatt_hours(energy), "kWh", _of_the_time(energy))


def _of_the_time(figure: EnergyView | AvailabilityView | None) -> Sequence[str]:
    if figure is None or figure.coverage >= 1:
        return ()
    return f"{percent_of_time(figure.coverage)} of", "the time known"


def columns_of(report: EnergyReportView, zone: ZoneInfo) -> list[Column]:
    """The figures that are known in any period."""
    currency = report.tariff.currency if report.tariff else ""
    cells: list[tuple[str, str, Callable[[PeriodView], str | None]]] = [
        ("Generated", "kWh", lambda one: kilowatt_hours(one.generation)),
        ("Used", "kWh", lambda one: kilowatt_hours(one.consumption)),
        ("Import", "kWh", lambda one: kilowatt_hours(one.imported)),
        ("Export", "kWh", lambda one: kilowatt_hours(one.export)),
        ("Self-suff.", "", lambda one: _told(one.self_sufficiency, percent)),
        ("Self-cons.", "", lambda one: _told(one.self_consumption, percent)),
        ("Peak", "kW", lambda one: _told(one.peak, lambda peak: number(peak.kw))),
        ("Peak hour", "", lambda one: _told(one.peak, lambda peak: peak_hour(peak, zone)[5:])),
        ("Load factor", "", lambda one: _told(one.load_factor, lambda factor: number(factor, 2))),
        ("Battery", "kWh", _throughput),
        ("Cycles", "", lambda one: _told(one.battery_cycles, number)),
        ("Avail.", "", lambda one: _told(one.availability, lambda supply: percent_of_time(supply.share))),
        ("CO\N{SUBSCRIPT TWO}", "kg", _co2_avoided),
        ("Net cost", currency, _net_cost),
    ]
    columns = [
        Column(title, unit, [cell(figures) for figures in (*report.periods, report.total)])
        for title, unit, cell in cells
    ]
    return [column for column in columns if any(column.cells)]


def knowledge_of(total: PeriodView) -> list[Knowledge]:
    """How well each kind of energy is known: for how much of the time, and how much of it is estimated."""
    energies = {
        "generation": total.generation,
        "consumption": total.consumption,
        "import": total.imported,
        "export": total.export,
        "battery_charged": total.battery_charged,
        "battery_discharged": total.battery_discharged,
    }
    return [
        Knowledge(
            FIGURES[name],
            percent_of_time(energy.coverage),
            _part(energy.metered_kwh),
            _part(energy.integrated_kwh),
        )
        for name, energy in energies.items()
        if energy
    ]


def gaps_of(report: EnergyReportView) -> list[Gap]:
    """What is missing from the total, reason by reason."""
    unknown = report.total.unknown
    return [
        Gap(_listed(FIGURES[name] for name, why in unknown.items() if why is reason), text)
        for reason, text in REASONS.items()
        if reason in unknown.values()
    ]


def assumptions_of(report: EnergyReportView) -> list[str]:
    """What was taken from the description of the grid."""
    found: list[str] = []
    if tariff := report.tariff:
        found.append(
            f"tariff: import {number(tariff.import_price_per_kwh, 2)} and export"
            f" {number(tariff.export_price_per_kwh, 2)} {tariff.currency} a kWh"
        )
    if report.co2_kg_per_kwh is not None:
        found.append(f"{number(report.co2_kg_per_kwh, 3)} kg of CO\N{SUBSCRIPT TWO} a kWh that is replaced")
    if report.battery_capacity_kwh is not None:
        found.append(f"a battery of {number(report.battery_capacity_kwh)} kWh")
    return found


def _throughput(one: PeriodView) -> str | None:
    parts = one.battery_charged, one.battery_discharged
    return _told(one.battery_throughput_kwh, lambda kwh: at_least(kwh, *parts))


def _co2_avoided(one: PeriodView) -> str | None:
    return _told(one.co2_avoided_kg, lambda kg: at_least(kg, one.generation))


def _net_cost(one: PeriodView) -> str | None:
    return _told(one.cost, lambda cost: net_cost(cost, one.imported, one.export))


def _told(figure: Found | None, tell: Callable[[Found], str]) -> str | None:
    return None if figure is None else tell(figure)


def _part(kwh: float) -> str:
    return number(kwh) if kwh else ""


def _listed(titles: Iterable[str]) -> str:
    first, *others = titles
    return ", ".join([first, *(title if title.startswith("CO") else title.lower() for title in others)])
