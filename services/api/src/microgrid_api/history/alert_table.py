"""Alerts as a table: a row for each, the newest first."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from microgrid_api.history.tables import Cell, Column, Row, Table
from microgrid_common.ports.alert_records import LARGEST_PAGE, AlertQuery, AlertRecords
from microgrid_common.schemas.alert import Alert
from microgrid_common.schemas.grid import Grid

_COLUMNS: Final = (
    "cleared_at",
    "alert_id",
    "severity",
    "status",
    "state",
    "device_id",
    "component",
    "type",
    "rule_id",
    "message",
    "recommended_action",
    "acknowledged_at",
    "acknowledged_by",
    "assigned_to",
    "notes",
)
_TIMES: Final = frozenset({"cleared_at", "acknowledged_at"})


def alert_table(records: AlertRecords, query: AlertQuery, grid: Grid) -> Table:
    """The alerts of a grid.

    Args:
        records: where they are.
        query: which of them; its limit and cursor do not count.
        grid: whose they are.
    """
    zone = grid.time_zone
    return Table(
        title="Alerts",
        about={"grid_id": grid.grid_id, "time_zone": zone},
        columns=[
            Column("raised_at", zone),
            Column("raised_at_utc"),
            *(Column(name, zone if name in _TIMES else "") for name in _COLUMNS),
        ],
        batches=_pages(records, replace(query, limit=LARGEST_PAGE, cursor=None), grid),
    )


async def _pages(records: AlertRecords, query: AlertQuery, grid: Grid) -> AsyncGenerator[Sequence[Row], None]:
    while True:
        page = await records.find(query)
        yield [_row(alert, grid) for alert in page.alerts]
        if page.cursor is None:
            return
        query = replace(query, cursor=page.cursor)


def _row(alert: Alert, grid: Grid) -> Row:
    def local(time: datetime | None) -> Cell:
        return None if time is None else time.astimezone(grid.zone)

    return [
        local(alert.raised_at),
        alert.raised_at.astimezone(UTC),
        local(alert.cleared_at),
        alert.id,
        alert.severity.value,
        alert.status.value,
        alert.state.value,
        alert.device_id,
        alert.component,
        alert.type,
        alert.rule_id,
        alert.message,
        alert.recommended_action,
        local(alert.acknowledged_at),
        alert.acknowledged_by,
        alert.assigned_to,
        "\n".join(f"{note.by}: {note.text}" for note in alert.notes),
    ]
