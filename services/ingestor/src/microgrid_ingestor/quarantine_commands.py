"""The commands `microgrid-ingestor quarantine …`.

Exit codes: 0, all is done; 1, some of it could not be done (still refused, not found); 2, wrong usage;
3, Redis is away.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.quarantine import QuarantineFilter
from microgrid_common.runtime.logging import configure_logging
from microgrid_common.runtime.settings import describe_problems
from microgrid_common.schemas.quarantine_entry import QuarantineState, is_entry_id
from microgrid_ingestor.quarantine_desk import Handled, QuarantineDesk
from microgrid_ingestor.quarantine_options import (
    AsJson,
    By,
    Device,
    DryRun,
    Everything,
    Grid,
    Ids,
    Since,
    StateChoice,
    Until,
    WhyRefused,
    filter_of,
    name_of,
)
from microgrid_ingestor.quarantine_printing import (
    counts_json,
    counts_line,
    entries_table,
    entry_json,
    handled_json,
    handled_table,
    is_well,
    message_json,
    message_table,
)
from microgrid_ingestor.settings import IngestorSettings
from microgrid_ingestor.wiring import open_quarantine_desk

NOT_ALL_DONE = 1
AWAY = 3

_WIDTH_OF_A_FILE = 240

quarantine = typer.Typer(
    no_args_is_help=True,
    help="Messages that were refused: look at them, replay them, discard them.",
)


@quarantine.command("list")
def list_messages(
    *,
    grid: Grid = None,
    device: Device = None,
    reason: WhyRefused = None,
    state: Annotated[StateChoice, typer.Option(help="Only those in this state.")] = StateChoice.OPEN,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on where another list ended.")] = None,
    as_json: AsJson = False,
) -> None:
    """List messages, the newest first."""
    wanted = filter_of(
        grid=grid,
        device=device,
        reason=reason,
        since=since,
        until=until,
        state=None if state is StateChoice.ANY else QuarantineState(state.value),
    )

    if cursor is not None and not is_entry_id(cursor):
        raise typer.BadParameter("not what a list has given", param_hint="--cursor")

    async def work(desk: QuarantineDesk) -> int:
        page = await desk.quarantine.find(wanted, limit=limit, cursor=cursor)
        counts = await desk.quarantine.counts(grid)
        if as_json:
            messages = [entry_json(entry) for entry in page.entries]
            _print_json({"messages": messages, "cursor": page.cursor, "counts": counts_json(counts)})
            return 0
        console = _console()
        if page.entries:
            console.print(entries_table(page.entries))
        console.print(counts_line(counts), markup=False, highlight=False)
        if page.cursor:
            console.print(f"There is more: --cursor {page.cursor}", markup=False, highlight=False)
        return 0

    _run(work)


@quarantine.command("show")
def show_message(
    *,
    entry_id: Annotated[str, typer.Argument(metavar="ID", help="The id of a message.")],
    as_json: AsJson = False,
) -> None:
    """Show one message with its payload, which is printed escaped."""

    async def work(desk: QuarantineDesk) -> int:
        found = await desk.quarantine.get(entry_id)
        if found is None:
            typer.echo("There is no such message in quarantine.", err=True)
            return NOT_ALL_DONE
        if as_json:
            _print_json(message_json(*found))
        else:
            _console().print(message_table(*found))
        return 0

    _run(work)


@quarantine.command("replay")
def replay_messages(
    *,
    ids: Ids = None,
    everything: Everything = False,
    grid: Grid = None,
    device: Device = None,
    reason: WhyRefused = None,
    since: Since = None,
    until: Until = None,
    dry_run: DryRun = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Put messages through again, as if they arrived now, but with their own time of arrival.

    What is accepted now becomes readings; what is still refused stays open with the new reason. Doing it
    twice gives the same readings once.
    """
    wanted = filter_of(grid=grid, device=device, reason=reason, since=since, until=until)
    name = name_of(by)

    async def replay(desk: QuarantineDesk, entry_id: str) -> Handled:
        return await desk.replay(entry_id, by=name, dry_run=dry_run)

    _handle(ids or [], wanted, replay, everything=everything, dry_run=dry_run, as_json=as_json)


@quarantine.command("discard")
def discard_messages(
    *,
    ids: Ids = None,
    everything: Everything = False,
    grid: Grid = None,
    device: Device = None,
    reason: WhyRefused = None,
    since: Since = None,
    until: Until = None,
    dry_run: DryRun = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Close messages that are not needed. They stay for a while, and can still be replayed."""
    wanted = filter_of(grid=grid, device=device, reason=reason, since=since, until=until)
    name = name_of(by)

    async def discard(desk: QuarantineDesk, entry_id: str) -> Handled:
        return await desk.discard(entry_id, by=name, dry_run=dry_run)

    _handle(ids or [], wanted, discard, everything=everything, dry_run=dry_run, as_json=as_json)


def _handle(
    ids: list[str],
    wanted: QuarantineFilter,
    handle: Callable[[QuarantineDesk, str], Awaitable[Handled]],
    *,
    everything: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    if bool(ids) == everything:
        raise typer.BadParameter("name messages by their ids, or take --all")
    if ids and wanted != QuarantineFilter():
        raise typer.BadParameter("the options that choose messages go with --all, not with ids")

    async def work(desk: QuarantineDesk) -> int:
        handled = [
            await handle(desk, entry_id)
            async for entry_id in desk.wanted(ids, wanted if everything else None)
        ]
        left = [each for each in handled if not is_well(each)]
        if as_json:
            _print_json({"dry_run": dry_run, "messages": [handled_json(each) for each in handled]})
        else:
            # Of thousands, those that somebody has to look at.
            if shown := left if everything else handled:
                _console().print(handled_table(shown))
            done = f"{len(handled) - len(left)} of {len(handled)} messages"
            typer.echo(f"{done} would be done; nothing was changed." if dry_run else f"{done} done.")
        return NOT_ALL_DONE if left else 0

    _run(work)


def _run(work: Callable[[QuarantineDesk], Awaitable[int]]) -> None:
    """Do the work of a command, and end with its exit code."""
    try:
        settings = IngestorSettings()
    except ValidationError as error:
        raise typer.BadParameter(describe_problems(error)) from None
    # What a person wants to know is printed; the log is for what goes wrong.
    configure_logging(service="ingestor", level="WARNING", log_format=settings.log_format)

    async def run() -> int:
        async with open_quarantine_desk(settings) as desk:
            return await work(desk)

    try:
        code = asyncio.run(run())
    except (RetryableError, PermanentError) as error:
        typer.echo(f"microgrid-ingestor: {error}", err=True)
        raise typer.Exit(AWAY) from None
    raise typer.Exit(code)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH_OF_A_FILE)


def _print_json(value: dict[str, Any]) -> None:
    # ASCII only: what a device sent must not reach a terminal as it is.
    typer.echo(json.dumps(value, indent=2))
