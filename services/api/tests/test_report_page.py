"""How an energy report looks: its numbers, its bars, and what is marked as not wholly known."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_api.reports.charts import Amount, Series, Size, bar_chart
from microgrid_api.reports.page import energy_report_page
from microgrid_api.reports.views import EnergyReportView
from microgrid_api.reports.words import BLANK, number, percent, percent_of_time
from microgrid_common.schemas.grid import Grid, Tariff
from microgrid_common.testing.samples import SAMPLE_TIME
from microgrid_common.transforms.reports.days import figures_of_days
from microgrid_common.transforms.reports.energy_report import energy_report
from microgrid_common.transforms.reports.periods import Period, days_from_to, stretches_of
from microgrid_common.transforms.rollups.calendar import Span, hours_between
from microgrid_common.transforms.rollups.rollup import Rollup

SIZE = Size(width=330, height=200, label_width=52)
GRID = Grid(
    grid_id="village-1",
    name="Kisumu",
    time_zone="Africa/Nairobi",
    tariff=Tariff(currency="KES", import_price_per_kwh=20, export_price_per_kwh=5),
    co2_kg_per_kwh=0.8,
    battery_capacity_kwh=10,
)
LAST = SAMPLE_TIME.astimezone(GRID.zone).date() - timedelta(days=1)
FIRST = LAST - timedelta(days=2)


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (0, "0.00"),
        (-0.001, "0.00"),
        (1.234, "1.23"),
        (9.994, "9.99"),
        (9.996, "10.0"),
        (-12.34, "\N{MINUS SIGN}12.3"),
        (999.94, "999.9"),
        (999.96, "1 000"),
        (1234567.8, "1 234 568"),
    ],
)
def test_numbers_have_the_digits_that_are_worth_reading(figure: float, text: str) -> None:
    assert number(figure).replace(BLANK, " ") == text


@pytest.mark.parametrize(
    ("share", "text", "of_time"),
    [
        (0, "0 %", "0 %"),
        (0.456, "46 %", "46 %"),
        (0.899, "90 %", "90 %"),
        (0.957, "96 %", "95.7 %"),
        (0.9999, "100 %", "99.9 %"),
        (1, "100 %", "100 %"),
    ],
)
def test_nearly_all_of_the_time_is_not_shown_as_all(share: float, text: str, of_time: str) -> None:
    assert [told.replace(BLANK, " ") for told in (percent(share), percent_of_time(share))] == [text, of_time]


ENERGIES = st.one_of(st.just(0.0), st.floats(0.001, 1e9))
AMOUNTS = st.one_of(st.none(), st.builds(Amount, ENERGIES, st.booleans(), st.just("2026-11-23: 1 kWh")))


@settings(max_examples=25)
@given(st.sampled_from([1, 2, 7, 31, 125]), st.booleans(), st.data())
def test_every_bar_is_inside_and_as_high_as_its_energy(periods: int, down: bool, data: st.DataObject) -> None:  # noqa: FBT001
    amounts = data.draw(
        st.lists(AMOUNTS, min_size=1, max_size=20).map(lambda some: (some * periods)[:periods])
    )
    both = [Series("In", "in", amounts), Series("Out", "out", amounts[::-1], points_down=down)]
    chart = bar_chart(both, [f"{number:03}" for number in range(periods)], SIZE)
    highest = max((amount.kwh for amount in amounts if amount), default=0)
    tallest = max((bar.height for bar in chart.bars), default=0)
    for bar in chart.bars:
        assert chart.left <= bar.x
        assert bar.x + bar.width <= SIZE.width + 0.1
        assert bar.y >= 0
        assert bar.y + bar.height <= SIZE.height - 20
    assert len(chart.bars) == 2 * sum(amount is not None for amount in amounts)
    for bar, amount in zip(chart.bars, filter(None, amounts), strict=False):
        assert bar.height == pytest.approx(tallest * (amount.kwh / highest if highest else 0), abs=0.02)
        assert ("pale" in bar.css_class) is not amount.is_whole
    steps = [after.at - before.at for before, after in zip(chart.labels, chart.labels[1:], strict=False)]
    assert all(step >= SIZE.label_width - 18 for step in steps)
    assert 2 <= len(chart.lines) <= 8


def test_where_nothing_is_known_there_is_no_bar_but_a_mark() -> None:
    chart = bar_chart([Series("In", "in", [None, Amount(3, is_whole=True, words="")])], ["a", "b"], SIZE)
    assert [gap.words for gap in chart.gaps] == ["a"]
    assert len(chart.bars) == 1


@pytest.mark.parametrize("highest", [0.001, 0.3, 1, 7, 99, 100, 101, 4321, 1e9])
def test_the_scale_has_round_numbers(highest: float) -> None:
    chart = bar_chart([Series("In", "in", [Amount(highest, is_whole=True, words="")])], ["a"], SIZE)
    numbers = [line.text.replace("\N{NARROW NO-BREAK SPACE}", "") for line in chart.lines]
    assert numbers[0] == "0"
    assert re.fullmatch(r"[125]0*", f"{float(numbers[1]):.3f}".replace(".", "").strip("0"))
    assert float(numbers[-1]) >= highest * 0.999


def page(hours: Mapping[str, Sequence[Rollup]], *, last: date = LAST, grid: Grid = GRID) -> str:
    now_ms = int(SAMPLE_TIME.timestamp() * 1000)
    by_device = {metric: {"meter": rows} for metric, rows in hours.items()}
    days = figures_of_days(days_from_to(FIRST, last, GRID.zone), by_device)
    report = energy_report(days, stretches_of(Period.DAY, FIRST, last), grid, now_ms=now_ms)
    return energy_report_page(EnergyReportView.of(report, grid, period=Period.DAY, now=SAMPLE_TIME))


def rows(kilowatts: float, out: float = 0, *, without: int = 0) -> list[Rollup]:
    """The hours of all days but some."""
    days = days_from_to(FIRST, LAST, GRID.zone)
    hours: list[Span] = hours_between(days[0].span.start_ms, days[-1].span.end_ms, GRID.zone)
    return [
        Rollup(*span, 60, kilowatts, kilowatts, kilowatts, span.end_ms - span.start_ms, kilowatts, out)
        for span in hours[without:]
    ]


def words_of(html: str) -> str:
    """What a reader sees."""
    return " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)).split())


def test_a_page_tells_the_figures_of_the_whole_and_of_each_day() -> None:
    hours = {"generation_kw": rows(3), "consumption_kw": rows(2), "grid_power_kw": rows(0.5, 0.25)}
    text = words_of(page({**hours, "battery_power_kw": rows(0.5, 0.5)}))
    for told in (
        "Kisumu 2026-11-20 to 2026-11-22, day by day",
        "Generation 216.0 kWh",
        "Self-sufficiency 75 %",
        "Self-consumption 92 %",
        "Peak 2.00 kW hour from 2026-11-20 00:00",
        "Load factor 1.00",
        "Battery 72.0 kWh 3.60 full cycles",
        "CO₂ avoided 172.8 kg",
        "Net cost 630.00 KES import 720.00 export 90.00",
        "2026-11-21 72.0 48.0 12.0 6.00 75 % 92 % 2.00 11-21 00:00",
        "Generation 100 % \N{EN DASH} 216.0",
    ):
        assert told in text
    assert "≥" not in text.partition("Figures")[0]
    assert "What is missing, and why Availability: no device measures it." in text


def test_what_is_known_for_a_part_of_the_time_is_marked_everywhere() -> None:
    html = page({"generation_kw": rows(3, without=30), "grid_power_kw": rows(0.5, without=1)})
    text = words_of(html)
    assert "Generation ≥ 126.0 kWh 58 % of the time known" in text
    assert "CO₂ avoided ≥ 100.8 kg" in text
    assert "Net cost 710.00° KES" in text
    assert "2026-11-21 ≥ 54.0 12.0" in text
    assert "2026-11-20 \N{EN DASH} ≥ 11.5" in text
    assert "Self-consumption: less than 95 % of the time is known." in text
    assert "generation pale" in html


def test_a_day_that_runs_is_marked() -> None:
    assert "2026-11-23 *" in words_of(page({"generation_kw": rows(3)}, last=LAST + timedelta(days=1)))


def test_a_page_about_nothing_says_so() -> None:
    text = words_of(page({}))
    assert "Nothing is known about this time." in text
    assert "no device measures it." in text
    assert "Figures" not in text


def test_a_name_is_text_and_no_markup() -> None:
    html = page({}, grid=GRID.model_copy(update={"name": '</title><img src=x onerror="x">'}))
    assert "<img" not in html
    assert html.count("&lt;img src=x onerror=&#34;x&#34;&gt;") == 2
