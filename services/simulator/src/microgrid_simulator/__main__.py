"""The command `microgrid-simulator`."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

import structlog
import typer
from pydantic import ValidationError

from microgrid_common.adapters.mqtt.address import broker_address
from microgrid_common.runtime.logging import configure_logging
from microgrid_common.runtime.settings import describe_problems
from microgrid_common.runtime.tasks import stop_on_signals
from microgrid_simulator.device import OutgoingMessage
from microgrid_simulator.profiles import ProfileName
from microgrid_simulator.service import run
from microgrid_simulator.settings import SimulatorSettings
from microgrid_simulator.wiring import build

BrokerOption = Annotated[
    str | None, typer.Option(help="Broker as mqtt://host:port, or mqtts:// with TLS. [MICROGRID_MQTT_URL]")
]
IntervalOption = Annotated[
    float | None, typer.Option(help="Seconds between two readings. [MICROGRID_SIMULATOR_INTERVAL_SECONDS]")
]
CountOption = Annotated[int | None, typer.Option(min=1, help="Stop after so many readings of each device.")]


def simulate(
    *,
    settings: dict[str, object],
    rounds: int | None,
    on_published: Callable[[OutgoingMessage], None] | None = None,
) -> None:
    """Simulate until a signal comes, or for so many rounds.

    Args:
        settings: what overrides the environment; None leaves a setting to it.
        rounds: None for no end.
        on_published: told about each message that the broker has taken; by default it is logged.

    Raises:
        typer.BadParameter: a setting is wrong; it names which.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    try:
        checked = SimulatorSettings.model_validate(given)
    except ValidationError as error:
        raise typer.BadParameter(describe_problems(error)) from None
    configure_logging(service="simulator", level=checked.log_level, log_format=checked.log_format)
    asyncio.run(_simulate(checked, rounds, on_published or _log_published))


def _log_published(message: OutgoingMessage) -> None:
    structlog.get_logger().debug("published", topic=message.topic, payload=message.payload.decode())


async def _simulate(
    settings: SimulatorSettings, rounds: int | None, on_published: Callable[[OutgoingMessage], None]
) -> None:
    structlog.get_logger().info(
        "simulator_starting",
        profile=settings.simulator_profile,
        broker=str(broker_address(settings)),
        interval_seconds=settings.simulator_interval_seconds,
    )
    async with build(settings) as ports:
        await run(
            ports,
            interval=timedelta(seconds=settings.simulator_interval_seconds),
            stop=stop_on_signals(),
            rounds=rounds,
            on_published=on_published,
        )


def _command(
    broker: BrokerOption = None,
    interval: IntervalOption = None,
    profile: Annotated[
        ProfileName | None, typer.Option(help="What to simulate. [MICROGRID_SIMULATOR_PROFILE]")
    ] = None,
    count: CountOption = None,
) -> None:
    """Publish simulated device telemetry to an MQTT broker."""
    simulate(
        settings={
            "mqtt_url": broker,
            "simulator_interval_seconds": interval,
            "simulator_profile": profile,
        },
        rounds=count,
    )


def main() -> None:
    """Run the command line."""
    typer.run(_command)


if __name__ == "__main__":
    main()
