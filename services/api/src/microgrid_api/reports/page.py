"""Energy reports as one page to read and to print: HTML that needs nothing else and runs nothing."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from microgrid_api.reports.charts import Amount, Chart, Series, Size, bar_chart
from microgrid_api.reports.contents import assumptions_of, cards_of, columns_of, gaps_of, knowledge_of
from microgrid_api.reports.views import EnergyReportView, EnergyView, PeriodView
from microgrid_api.reports.words import BLANK, is_whole, kilowatt_hours, minute
from microgrid_common.transforms.reports.periods import Period

_FOLDER: Final = Path(__file__).parent / "templates"
_STYLE: Final = (_FOLDER / "energy_report.css").read_text(encoding="utf-8")
_STYLE_HASH: Final = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"
)
"""No script, no image, no connection, and no other style than the page's own."""

_PAGES: Final = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_WIDE: Final = Size(width=720, height=220, label_width=52)
_NARROW: Final = Size(width=330, height=200, label_width=52)
"""For a phone: the same chart made small could not be read."""


_MOST_PAIRS: Final = 120
"""Two bars side by side can be told apart up to so many; else they stand back to back."""


@dataclass(frozen=True, slots=True)
class _Drawing:
    title: str
    series: Sequence[Series]
    wide: Chart
    narrow: Chart
    has_pale: bool
    """Whether a bar shows what is known for a part of the time."""


def energy_report_page(report: EnergyReportView) -> str:
    """The page."""
    zone = ZoneInfo(report.time_zone)
    return _PAGES.get_template("energy_report.html").render(
        policy=CONTENT_SECURITY_POLICY,
        # Ours, and its hash in the policy is that of the text as it is.
        style=Markup(_STYLE),  # noqa: S704
        report=report,
        title=_title(report),
        generated_at=minute(report.generated_at, zone),
        cards=cards_of(report.total, zone),
        drawings=_drawings(report),
        columns=columns_of(report, zone),
        knowledge=knowledge_of(report.total),
        gaps=gaps_of(report),
        assumptions=assumptions_of(report),
    )


def _title(report: EnergyReportView) -> str:
    every = {Period.DAY: "day by day", Period.WEEK: "by week", Period.MONTH: "by month"}[report.period]
    return f"{report.total.first} to {report.total.last}, {every}"


def _drawings(report: EnergyReportView) -> list[_Drawing]:
    series = {
        "Generation and consumption": [
            _series("Generation", "generation", report, lambda figures: figures.generation),
            _series(
                "Consumption",
                "consumption",
                report,
                lambda figures: figures.consumption,
                down=len(report.periods) > _MOST_PAIRS,
            ),
        ],
        "Exchange with the utility": [
            _series("Import", "import", report, lambda figures: figures.imported),
            _series("Export", "export", report, lambda figures: figures.export, down=True),
        ],
        "Battery": [
            _series("Discharged", "discharged", report, lambda figures: figures.battery_discharged),
            _series("Charged", "charged", report, lambda figures: figures.battery_charged, down=True),
        ],
    }
    labels = [_short(figures.label, report.period) for figures in report.periods]
    drawings: list[_Drawing] = []
    for title, both in series.items():
        some = [one for one in both if any(one.amounts)]
        if some:
            wide, narrow = (bar_chart(some, labels, size) for size in (_WIDE, _NARROW))
            has_pale = any(amount and not amount.is_whole for one in some for amount in one.amounts)
            drawings.append(_Drawing(title, some, wide, narrow, has_pale))
    return drawings


def _short(label: str, period: Period) -> str:
    return label if period is Period.MONTH else label[5:]


def _series(
    name: str,
    css_class: str,
    report: EnergyReportView,
    energy_of: Callable[[PeriodView], EnergyView | None],
    *,
    down: bool = False,
) -> Series:
    amounts: list[Amount | None] = []
    for figures in report.periods:
        energy = energy_of(figures)
        words = f"{figures.label}: {name} {kilowatt_hours(energy)}{BLANK}kWh"
        amounts.append(Amount(energy.kwh, is_whole(energy), words) if energy else None)
    return Series(name, css_class, amounts, points_down=down)
