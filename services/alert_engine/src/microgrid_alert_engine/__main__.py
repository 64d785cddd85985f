"""The command `microgrid-alert-engine`."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog
import typer
from pydantic import ValidationError

from microgrid_alert_engine.backtest_command import backtest
from microgrid_alert_engine.default_rules import RulesFileError, load_rules
from microgrid_alert_engine.service import run
from microgrid_alert_engine.settings import AlertEngineSettings
from microgrid_alert_engine.wiring import build
from microgrid_common.runtime.garbage import relax_garbage_collection
from microgrid_common.runtime.health_server import health_server
from microgrid_common.runtime.logging import configure_logging
from microgrid_common.runtime.settings import describe_problems
from microgrid_common.runtime.tasks import stop_on_signals
from microgrid_common.schemas.alarm_rule import AlarmRuleDraft

application = typer.Typer(add_completion=False)
application.command()(backtest)


@application.callback(invoke_without_command=True)
def _alert_engine(context: typer.Context) -> None:
    """Judge what devices send, and their silence, by the alarm rules, and look after the alarms.

    Without a command it does so until it is stopped.

    Settings come from MICROGRID_… variables or a file .env:

    MICROGRID_REDIS_URL (redis://127.0.0.1:6379/0), MICROGRID_STREAM_SHARDS (4; as the ingestor's),
    MICROGRID_MQTT_URL (mqtt://127.0.0.1:1883; where alerts are announced),
    MICROGRID_RULES_FILE (rules to begin with), MICROGRID_ALERT_ENGINE_NAME (the host's name; the same after
    a restart), MICROGRID_NOTICE_QUIET_SECONDS (600), MICROGRID_HEALTH_HOST (127.0.0.1),
    MICROGRID_HEALTH_PORT (8002), MICROGRID_LOG_LEVEL, MICROGRID_LOG_FORMAT.
    """
    if context.invoked_subcommand is None:
        _evaluate()


def _evaluate() -> None:
    try:
        settings = AlertEngineSettings()
        default_rules = load_rules(settings.rules_file)
    except ValidationError as error:
        raise typer.BadParameter(describe_problems(error)) from None
    except RulesFileError as error:
        raise typer.BadParameter(f"MICROGRID_RULES_FILE: {error}") from None
    configure_logging(service="alert-engine", level=settings.log_level, log_format=settings.log_format)
    relax_garbage_collection()
    asyncio.run(_run(settings, default_rules))


async def _run(settings: AlertEngineSettings, default_rules: Sequence[AlarmRuleDraft]) -> None:
    structlog.get_logger().info(
        "alert_engine_starting",
        name=settings.alert_engine_name,
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
            default_rules=default_rules,
            notice_quiet=timedelta(seconds=settings.notice_quiet_seconds),
            shards=settings.stream_shards,
            stop=stop_on_signals(),
        )


def main() -> None:
    """Run the command line."""
    application()


if __name__ == "__main__":
    main()
