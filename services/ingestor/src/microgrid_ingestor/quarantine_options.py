"""The options of the commands for quarantine, and what they mean."""

import getpass
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from microgrid_common.ports.quarantine import QuarantineFilter
from microgrid_common.schemas.quarantine import Reason
from microgrid_common.schemas.quarantine_entry import HANDLED_BY_PATTERN, NO_GRID, QuarantineState
from microgrid_ingestor.quarantine_desk import parse_time


class StateChoice(StrEnum):
    """Which states to list."""

    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"
    ANY = "any"


Grid = Annotated[str | None, typer.Option(help=f"Only of this grid; {NO_GRID} for messages that name none.")]
Device = Annotated[str | None, typer.Option(help="Only of this device.")]
WhyRefused = Annotated[Reason | None, typer.Option(help="Only those refused for this reason.")]
Since = Annotated[
    str | None,
    typer.Option(help="Only those quarantined then or later: a time, or how long ago, such as 24h."),
]
Until = Annotated[str | None, typer.Option(help="Only those quarantined before: as --since.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Ids = Annotated[list[str] | None, typer.Argument(help="The ids of messages.", show_default=False)]
Everything = Annotated[
    bool, typer.Option("--all", help="All open messages that the options find, the oldest first.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would come of it.")]
By = Annotated[str | None, typer.Option(help="Who does it, for the record. [default: the user's name]")]


def filter_of(
    *,
    grid: str | None,
    device: str | None,
    reason: Reason | None,
    since: str | None,
    until: str | None,
    state: QuarantineState | None = QuarantineState.OPEN,
) -> QuarantineFilter:
    """Which messages the options choose; a time that is none is wrong usage."""
    return QuarantineFilter(
        grid_id=grid,
        device_id=device,
        reason=reason,
        state=state,
        since=_time(since, "--since"),
        until=_time(until, "--until"),
    )


def _time(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_time(text, now=datetime.now(UTC))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def name_of(by: str | None) -> str:
    """Who does it, for the record: as the option says, or the user's name."""
    if by is None:
        try:
            by = getpass.getuser()
        except (KeyError, OSError):
            # A container's user may have no name.
            by = "command line"
    if not re.fullmatch(HANDLED_BY_PATTERN, by):
        raise typer.BadParameter("1 to 100 printable characters", param_hint="--by")
    return by
