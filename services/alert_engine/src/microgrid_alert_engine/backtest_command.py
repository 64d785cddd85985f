"""The command `microgrid-alert-engine backtest`.

Exit codes: 0, done; 2, wrong usage, also a rule that makes no sense; 3, a store is away.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from microgrid_alert_engine.backtest_printing import episodes_table, summary_table
from microgrid_alert_engine.backtest_wiring import BacktestSettings, open_backtest_ports
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.runtime.alarm_backtest import devices_of_grid, run_backtest
from microgrid_common.runtime.settings import describe_problems
from microgrid_common.schemas.alarm_backtest import BacktestReport
from microgrid_common.schemas.alarm_rule import AlarmRuleDraft
from microgrid_common.schemas.identifiers import is_identifier
from microgrid_common.transforms.alarms.backtest import BacktestRefusedError
from microgrid_common.transforms.alarms.check_rule import check_rule
from microgrid_common.transforms.clock import to_utc_milliseconds

AWAY: Final = 3

_MAXIMUM_BYTES: Final = 64 * 1024
_LENGTH_BY_DEFAULT: Final = timedelta(days=7)
_MAY_TAKE: Final = timedelta(minutes=30)
_TIME: Final = TypeAdapter(datetime)


def backtest(
    rule_file: Annotated[
        Path,
        typer.Argument(metavar="RULE.json", exists=True, dir_okay=False, help="A rule, as the API takes it."),
    ],
    grid: Annotated[str, typer.Option(help="The grid whose readings are judged.")],
    start: Annotated[
        str | None, typer.Option("--from", help="A time in UTC; by default 7 days before the end.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Not part of it; the present by default.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """What a rule would have raised over the stored readings; nothing is changed.

    The telemetry store and the registry of devices are read, as the MICROGRID_… variables name them.
    """
    draft = _read_rule(rule_file)
    if not is_identifier(grid):
        raise typer.BadParameter("1 to 64 letters, digits, _ and -", param_hint="--grid")
    until = _time(end, "--to") or datetime.now(UTC)
    since = _time(start, "--from") or until - _LENGTH_BY_DEFAULT
    report = _run(draft, grid, since, until)
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
        return
    console = Console()
    console.print(summary_table(report))
    if report.episodes:
        console.print(episodes_table(report))


def _read_rule(file: Path) -> AlarmRuleDraft:
    if file.stat().st_size > _MAXIMUM_BYTES:
        raise typer.BadParameter(f"the file is larger than {_MAXIMUM_BYTES // 1024} KiB")
    try:
        draft = AlarmRuleDraft.model_validate_json(file.read_bytes())
    except ValidationError as error:
        problems = [
            (".".join(map(str, problem["loc"])) or "file", problem["msg"])
            for problem in error.errors(include_url=False, include_input=False)
        ]
    else:
        problems = [(problem.field, problem.reason) for problem in check_rule(draft)]
        if not problems:
            return draft
    raise typer.BadParameter("; ".join(f"{field}: {reason}" for field, reason in problems))


def _time(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        return to_utc_milliseconds(_TIME.validate_python(text))
    except ValidationError:
        raise typer.BadParameter("a time such as 2026-11-23T10:00Z", param_hint=option) from None


def _run(draft: AlarmRuleDraft, grid_id: str, start: datetime, end: datetime) -> BacktestReport:
    try:
        settings = BacktestSettings()
    except ValidationError as error:
        raise typer.BadParameter(describe_problems(error)) from None

    async def judge() -> BacktestReport:
        async with open_backtest_ports(settings) as ports:
            devices = await devices_of_grid(ports.devices, ports.links, grid_id)
            return await run_backtest(
                ports.telemetry, draft, devices, grid_id=grid_id, start=start, end=end, within=_MAY_TAKE
            )

    try:
        return asyncio.run(judge())
    except BacktestRefusedError as refusal:
        raise typer.BadParameter(f"{refusal.field}: {refusal}") from None
    except (RetryableError, PermanentError) as error:
        typer.echo(error, err=True)
        raise typer.Exit(AWAY) from None
