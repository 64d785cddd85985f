"""The command `microgrid-notifier`."""

import asyncio

import structlog
import typer
from pydantic import ValidationError

from microgrid_alert_engine.notifier.service import run
from microgrid_alert_engine.notifier.settings import NotifierSettings
from microgrid_alert_engine.notifier.wiring import build
from microgrid_common.runtime.health_server import health_server
from microgrid_common.runtime.logging import configure_logging
from microgrid_common.runtime.settings import describe_problems
from microgrid_common.runtime.tasks import stop_on_signals


def _command() -> None:
    """Tell people about alarms, as the notification settings in the store say.

    Settings come from MICROGRID_… variables or a file .env:

    MICROGRID_REDIS_URL (redis://127.0.0.1:6379/0),
    MICROGRID_NOTIFIER_NAME (the host's name; the same after a restart),
    MICROGRID_FCM_SERVICE_ACCOUNT_FILE or MICROGRID_SNS_APPLICATIONS (for channels of the kind `push`),
    MICROGRID_HEALTH_HOST (127.0.0.1), MICROGRID_HEALTH_PORT (8003), MICROGRID_LOG_LEVEL,
    MICROGRID_LOG_FORMAT.
    """
    try:
        settings = NotifierSettings()
    except ValidationError as error:
        raise typer.BadParameter(describe_problems(error)) from None
    configure_logging(service="notifier", level=settings.log_level, log_format=settings.log_format)
    asyncio.run(_run(settings))


async def _run(settings: NotifierSettings) -> None:
    structlog.get_logger().info(
        "notifier_starting",
        name=settings.notifier_name,
        health=f"http://{settings.health_host}:{settings.health_port}/readyz",
    )
    async with (
        build(settings) as ports,
        health_server(
            host=settings.health_host,
            port=settings.health_port,
            dependencies=ports.dependencies,
            watched_disk=settings.watched_disk or settings.data_dir,
            certificates=settings.watched_certificates,
        ),
    ):
        await run(ports, name=settings.notifier_name, stop=stop_on_signals())


def main() -> None:
    """Run the command line."""
    typer.run(_command)


if __name__ == "__main__":
    main()
