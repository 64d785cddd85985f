"""The command `microgrid`."""

import asyncio
from collections.abc import Sequence

import structlog
import typer
from pydantic import ValidationError

from microgrid_alert_engine.default_rules import RulesFileError, load_rules
from microgrid_api.web.listening import CannotListenError
from microgrid_common.runtime.garbage import relax_garbage_collection
from microgrid_common.runtime.logging import configure_logging
from microgrid_common.runtime.settings import describe_problems
from microgrid_common.runtime.tasks import stop_on_signals
from microgrid_common.schemas.alarm_rule import AlarmRuleDraft
from microgrid_standalone.banner import banner
from microgrid_standalone.embedded import CannotStartError
from microgrid_standalone.service import run as run_system
from microgrid_standalone.settings import StandaloneSettings
from microgrid_standalone.wiring import build

application = typer.Typer(add_completion=False, no_args_is_help=True)


@application.callback()
def _microgrid() -> None:
    """The microgrid monitor on one machine, without containers."""


@application.command()
def run() -> None:
    """Run the whole system on loopback: broker, stores, ingestor, alert engine, notifier, API, simulator.

    Settings come from MICROGRID_… variables or a file .env:

    MICROGRID_API_PORT (8000), MICROGRID_MQTT_PORT (1883, MQTT 3.1.1), MICROGRID_MQTT5_PORT (1884, MQTT 5),
    MICROGRID_DATA_DIR (data), MICROGRID_SIMULATE (1), MICROGRID_SIMULATOR_PROFILE (prototype or village),
    MICROGRID_SIMULATOR_INTERVAL_SECONDS (5), MICROGRID_TELEMETRY_STORE (sqlite or influx),
    MICROGRID_LOG_LEVEL (INFO).
    """
    try:
        settings = StandaloneSettings()
        default_rules = load_rules(settings.rules_file)
    except ValidationError as error:
        raise typer.BadParameter(describe_problems(error)) from None
    except RulesFileError as error:
        raise typer.BadParameter(f"MICROGRID_RULES_FILE: {error}") from None
    configure_logging(service="microgrid", level=settings.log_level, log_format=settings.log_format)
    relax_garbage_collection()
    try:
        asyncio.run(_run(settings, default_rules))
    except (CannotStartError, CannotListenError) as error:
        typer.echo(f"microgrid: {error}", err=True)
        raise typer.Exit(code=1) from None


async def _run(settings: StandaloneSettings, default_rules: Sequence[AlarmRuleDraft]) -> None:
    stop = stop_on_signals()
    async with build(settings) as system:
        await run_system(
            system,
            settings,
            default_rules=default_rules,
            stop=stop,
            on_ready=lambda: typer.echo(banner(settings)),
        )
        structlog.get_logger().info("stopping")
    typer.echo("Microgrid monitor has stopped; its data is kept.")


def main() -> None:
    """Run the command line."""
    application()


if __name__ == "__main__":
    main()
