"""The command `microgrid-ingestor`."""

import asyncio
from datetime import timedelta

import structlog
import typer
from pydantic import ValidationError

from microgrid_common.adapters.mqtt.address import broker_address
from microgrid_common.runtime.garbage import relax_garbage_collection
from microgrid_common.runtime.health_server import health_server
from microgrid_common.runtime.logging import configure_logging
from microgrid_common.runtime.settings import describe_problems
from microgrid_common.runtime.tasks import stop_on_signals
from microgrid_ingestor.device_commands import devices
from microgrid_ingestor.quarantine_commands import quarantine
from microgrid_ingestor.service import run
from microgrid_ingestor.settings import IngestorSettings
from microgrid_ingestor.setup_command import setup, store_snapshot, store_tokens
from microgrid_ingestor.wiring import build

application = typer.Typer(add_completion=False)
application.add_typer(quarantine, name="quarantine")
application.add_typer(devices, name="devices")
application.command()(setup)
application.command()(store_tokens)
application.command()(store_snapshot)


@application.callback(invoke_without_command=True)
def _ingestor(context: typer.Context) -> None:
    """Receive device telemetry over MQTT, and make it clean, durable and queryable.

    Without a command it does so until it is stopped.

    Settings come from MICROGRID_… variables or a file .env:

    MICROGRID_MQTT_URL (mqtt://127.0.0.1:1883, MQTT 5), MICROGRID_REDIS_URL (redis://127.0.0.1:6379/0),
    MICROGRID_TELEMETRY_STORE (influx or sqlite), MICROGRID_INFLUX_URL, _TOKEN, _ORG and _BUCKET,
    MICROGRID_DATA_DIR (for sqlite), MICROGRID_TIME_ZONE (UTC; of grids that nobody has described),
    MICROGRID_UNKNOWN_DEVICES (accept or quarantine), MICROGRID_HEALTH_PORT (8001), MICROGRID_LOG_LEVEL.
    """
    if context.invoked_subcommand is None:
        _ingest()


def _ingest() -> None:
    try:
        settings = IngestorSettings()
    except ValidationError as error:
        raise typer.BadParameter(describe_problems(error)) from None
    configure_logging(service="ingestor", level=settings.log_level, log_format=settings.log_format)
    relax_garbage_collection()
    asyncio.run(_run(settings))


async def _run(settings: IngestorSettings) -> None:
    structlog.get_logger().info(
        "ingestor_starting",
        mqtt=str(broker_address(settings)),
        telemetry_store=settings.telemetry_store,
        health=f"http://{settings.health_host}:{settings.health_port}/readyz",
    )
    async with (
        build(settings) as ports,
        health_server(
            host=settings.health_host,
            port=settings.health_port,
            dependencies=ports.dependencies,
            watched_disk=settings.watched_disk or settings.data_dir,
            certificates=(*settings.watched_certificates, *settings.mqtt_certificates),
        ),
    ):
        await run(
            ports,
            shards=settings.stream_shards,
            stream_keep=timedelta(minutes=settings.stream_keep_minutes),
            quarantine_limits=settings.quarantine_limits,
            backfill_policy=settings.backfill_policy,
            backfill_requests_per_second=settings.backfill_requests_per_second,
            link_rules=settings.link_rules,
            only_registered=settings.only_registered,
            stop=stop_on_signals(),
        )


def main() -> None:
    """Run the command line."""
    application()


if __name__ == "__main__":
    main()
