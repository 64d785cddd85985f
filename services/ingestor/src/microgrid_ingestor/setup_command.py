"""The command `microgrid-ingestor setup`."""

import asyncio

import typer
from pydantic import ValidationError

from microgrid_common.adapters.telemetry_stores import set_up_stores
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.runtime.settings import describe_problems
from microgrid_ingestor.settings import IngestorSettings

STORE_AWAY = 3
"""The exit code when the store cannot be reached, or does not let us."""


def setup() -> None:
    """Make the places for readings and roll-ups, each with its retention: 31 days and a year.

    What is there already stays and gets that retention: older data in it is deleted. It can be run again at
    any time. For InfluxDB the token must be allowed to make buckets; SQLite needs no set-up, its files are
    made at the first use.
    """
    try:
        settings = IngestorSettings()
    except ValidationError as error:
        raise typer.BadParameter(describe_problems(error)) from None
    try:
        places = asyncio.run(set_up_stores(settings))
    except (RetryableError, PermanentError) as error:
        typer.echo(error, err=True)
        raise typer.Exit(STORE_AWAY) from None
    for place, is_new in places.items():
        typer.echo(f"{place}: {'made' if is_new else 'was there, is as it should be'}")
