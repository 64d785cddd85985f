"""Energy reports as CSV, for spreadsheets: a row for each day, week or month, and the total last."""

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from microgrid_api.reports.views import EnergyReportView, EnergyView, PeriodView
from microgrid_common.transforms.reports.days import Flow

Cell = str | float | None


def energy_report_csv(report: EnergyReportView) -> str:
    """The report after RFC 4180; no cell holds what a person has written, so none can be a formula."""
    zone = ZoneInfo(report.time_zone)
    rows = [_row(figures, zone) for figures in (*report.periods, report.total)]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _row(figures: PeriodView, zone: ZoneInfo) -> Mapping[str, Cell]:
    peak, cost, availability = figures.peak, figures.cost, figures.availability
    return {
        "period": figures.label,
        "from": figures.first.isoformat(),
        "to": figures.last.isoformat(),
        "is_over": "yes" if figures.is_over else "no",
        **_energies(figures),
        "battery_throughput_kwh": figures.battery_throughput_kwh,
        "battery_cycles": figures.battery_cycles,
        "self_sufficiency": figures.self_sufficiency,
        "self_consumption": figures.self_consumption,
        "peak_kw": peak.kw if peak else None,
        "peak_hour": _local(peak.start, zone) if peak else None,
        "load_factor": figures.load_factor,
        "co2_avoided_kg": figures.co2_avoided_kg,
        "currency": cost.currency if cost else None,
        "import_cost": cost.import_cost if cost else None,
        "export_income": cost.export_income if cost else None,
        "net_cost": cost.net_cost if cost else None,
        "availability": availability.share if availability else None,
        "availability_coverage": availability.coverage if availability else None,
        "availability_estimated_share": availability.estimated_share if availability else None,
        "unknown": "; ".join(f"{name}: {reason}" for name, reason in figures.unknown.items()),
    }


def _energies(figures: PeriodView) -> Mapping[str, Cell]:
    energies: Mapping[Flow, EnergyView | None] = {
        Flow.GENERATION: figures.generation,
        Flow.CONSUMPTION: figures.consumption,
        Flow.IMPORT: figures.imported,
        Flow.EXPORT: figures.export,
        Flow.CHARGED: figures.battery_charged,
        Flow.DISCHARGED: figures.battery_discharged,
    }
    cells: dict[str, Cell] = {}
    for flow, energy in energies.items():
        cells[f"{flow}_kwh"] = energy.kwh if energy else None
        cells[f"{flow}_estimated_kwh"] = energy.integrated_kwh if energy else None
        cells[f"{flow}_coverage"] = energy.coverage if energy else None
    return cells


def _local(time: datetime, zone: ZoneInfo) -> str:
    return time.astimezone(zone).isoformat(timespec="minutes")
