"""How the command `backtest` shows its report to a person."""

from datetime import datetime, timedelta
from typing import Final

from rich.table import Table
from rich.text import Text

from microgrid_common.schemas.alarm_backtest import BacktestEpisode, BacktestReport
from microgrid_common.schemas.alert import RaisingReading

EPISODES_SHOWN: Final = 50
"""To a person; a program gets all of them."""


def summary_table(report: BacktestReport) -> Table:
    """The figures."""
    table = Table(show_header=False)
    rows = [
        ("rule", f"{report.rule_id} on grid {report.grid_id}"),
        ("from, to (UTC)", f"{_time(report.start)} to {_time(report.end)}"),
        ("devices", f"{report.devices}"),
        ("readings judged", f"{report.readings_judged}"),
        ("alarms", f"{report.alarms}, {report.alarms_per_hour:.3g} an hour"),
        ("worst 10 minutes", f"{report.worst_10_minutes_alarms} alarms"),
        ("chattering", f"{report.chattering_alarms}"),
        ("active", _span(timedelta(seconds=report.active_seconds))),
        (
            "without readings",
            f"{_span(timedelta(seconds=report.gap_seconds))} in {len(report.gaps) + report.gaps_left_out}",
        ),
    ]
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    return table


def episodes_table(report: BacktestReport) -> Table:
    """One line for each alarm."""
    table = Table("device", "raised", "cleared", "lasted", "peak", "message")
    for episode in report.episodes[:EPISODES_SHOWN]:
        table.add_row(*map(Text, _cells(episode, report.end)))
    more = report.alarms - min(len(report.episodes), EPISODES_SHOWN)
    if more:
        table.caption = f"{more} more alarms"
    return table


def _cells(episode: BacktestEpisode, end: datetime) -> tuple[str, ...]:
    return (
        episode.device_id,
        _time(episode.raised_at),
        _time(episode.cleared_at) if episode.cleared_at else "lasts",
        _span((episode.cleared_at or end) - episode.raised_at),
        _peak(episode.peak),
        episode.message,
    )


def _peak(reading: RaisingReading | None) -> str:
    if reading is None:
        return ""
    return ", ".join(f"{metric} {value:g}" for metric, value in reading.metrics.items())


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}"


def _span(span: timedelta) -> str:
    return str(timedelta(seconds=round(span.total_seconds())))
