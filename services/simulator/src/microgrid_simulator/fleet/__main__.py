"""The command `python -m microgrid_simulator.fleet`."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import structlog
import typer

from microgrid_common.adapters.mqtt.address import BrokerAddress, parse_broker_url
from microgrid_common.runtime.logging import configure_logging
from microgrid_common.runtime.tasks import stop_on_signals
from microgrid_simulator.fleet.options import FleetOptions
from microgrid_simulator.fleet.running import Fleet, running_fleet


def fleet(  # noqa: PLR0917 - typer makes options of them, by name
    record: Annotated[Path, typer.Option(help="Where the record of what was sent goes, as JSON.")],
    broker: Annotated[str, typer.Option(help="As mqtt://host:port.")] = "mqtt://127.0.0.1:1883",
    seconds: Annotated[float, typer.Option(min=0.1, help="How long the devices measure.")] = 60,
    devices: Annotated[int, typer.Option(min=1, max=10_000)] = 200,
    grids: Annotated[int, typer.Option(min=1, max=1_000)] = 4,
    connections: Annotated[
        int | None, typer.Option(min=1, help="Share so many connections; one each otherwise.")
    ] = None,
    rate: Annotated[float, typer.Option(min=0.1, max=100_000, help="Samples a second, of all.")] = 1_000,
    bad_share: Annotated[float, typer.Option(min=0, max=1)] = 0.01,
    seed: Annotated[int, typer.Option()] = 0,
    samples_kept: Annotated[int, typer.Option(min=1, max=100_000, help="By each device.")] = 2_000,
) -> None:
    """Publish telemetry of many devices, and write down exactly what was sent.

    The record is written when the broker has everything that was measured. The devices stay and answer
    requests for samples until Ctrl-C; then the record is written once more.
    """
    options = FleetOptions(
        devices=devices,
        grids=grids,
        connections=connections,
        messages_per_second=rate,
        bad_share=bad_share,
        seed=seed,
        samples_kept=samples_kept,
    )
    try:
        address = parse_broker_url(broker)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    configure_logging(service="fleet")
    asyncio.run(_run(address, options, timedelta(seconds=seconds), record))


async def _run(address: BrokerAddress, options: FleetOptions, duration: timedelta, path: Path) -> None:
    stop = stop_on_signals()
    async with running_fleet(address, options) as running:
        measuring = asyncio.create_task(_measure(running, duration, path), name="fleet-measure")
        stopping = asyncio.create_task(stop.wait(), name="fleet-stop")
        await asyncio.wait((measuring, stopping), return_when=asyncio.FIRST_COMPLETED)
        if measuring.done():
            measuring.result()
            await stopping
        measuring.cancel()
    running.record().write(path)


async def _measure(running: Fleet, duration: timedelta, path: Path) -> None:
    await running.measure(duration)
    await running.until_accepted()
    record = running.record()
    record.write(path)
    structlog.get_logger().info("fleet_accepted", record=str(path), **record.totals)


if __name__ == "__main__":
    typer.run(fleet)
