"""The commands `microgrid-ingestor devices …`.

Exit codes: 0, done; 2, wrong usage, also a file with a device that makes no sense; 3, Redis is away.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table

from microgrid_common.ports.device_registry import DeviceRegistry
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.runtime.settings import describe_problems
from microgrid_common.schemas.device import Device
from microgrid_ingestor.settings import IngestorSettings
from microgrid_ingestor.wiring import open_device_registry

AWAY = 3

_MAXIMUM_BYTES = 64 * 1024 * 1024
_PROBLEMS_SHOWN = 20
_DEVICES = TypeAdapter(list[Device])

Answer = TypeVar("Answer")

devices = typer.Typer(no_args_is_help=True, help="The registry of devices: fill it from a file, look at it.")


@devices.command(name="import")
def import_devices(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A JSON array of devices.")],
) -> None:
    """Register the devices of a file; those that are registered already are replaced.

    Each has `grid_id` and `device_id`, and may have `device_type`, `component`, `parent_id`, `latitude`,
    `longitude`, `expected_interval_seconds` and `metadata`. If one of them makes no sense none is taken.
    """
    wanted = _read(file)
    _with_registry(lambda registry: registry.put(wanted))
    typer.echo(f"{len(wanted)} devices registered.")


@devices.command(name="list")
def list_devices(
    grid: Annotated[str | None, typer.Option(help="Only of this grid.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, as `import` takes it.")] = False,
) -> None:
    """The registered devices, in the order of their grids and ids."""
    found = _with_registry(lambda registry: _find(registry, grid))
    if as_json:
        typer.echo(_DEVICES.dump_json(found, indent=2, exclude_defaults=True).decode())
        return
    table = Table("grid", "device", "type", "component", "parent", "every")
    for device in found:
        seconds = device.expected_interval_seconds
        table.add_row(
            device.grid_id,
            device.device_id,
            device.device_type,
            device.component or "",
            device.parent_id or "",
            "" if seconds is None else f"{seconds:g} s",
        )
    Console().print(table)


def _read(file: Path) -> list[Device]:
    if file.stat().st_size > _MAXIMUM_BYTES:
        raise typer.BadParameter(f"the file is larger than {_MAXIMUM_BYTES // 1024 // 1024} MiB")
    try:
        found = _DEVICES.validate_json(file.read_bytes())
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, problem['loc'])) or 'file'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        ]
        raise typer.BadParameter("; ".join(problems[:_PROBLEMS_SHOWN])) from None
    counts = Counter((device.grid_id, device.device_id) for device in found)
    if twice := ["/".join(key) for key, count in counts.items() if count > 1]:
        raise typer.BadParameter(f"more than once in the file: {', '.join(twice[:_PROBLEMS_SHOWN])}")
    return found


async def _find(registry: DeviceRegistry, grid: str | None) -> list[Device]:
    if grid is not None:
        return await registry.of_grid(grid)
    snapshot = await registry.snapshot()
    return [device for _, device in sorted(snapshot.devices.items())]


def _with_registry(work: Callable[[DeviceRegistry], Awaitable[Answer]]) -> Answer:
    try:
        settings = IngestorSettings()
    except ValidationError as error:
        raise typer.BadParameter(describe_problems(error)) from None

    async def work_on_it() -> Answer:
        async with open_device_registry(settings) as registry:
            return await work(registry)

    try:
        return asyncio.run(work_on_it())
    except (RetryableError, PermanentError) as error:
        typer.echo(error, err=True)
        raise typer.Exit(AWAY) from None
