"""The commands `microgrid-ingestor setup`, `store-tokens` and `store-snapshot`."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer
from pydantic import ValidationError

from microgrid_common.adapters.telemetry_stores import make_store_tokens, set_up_stores, write_store_snapshot
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.runtime.settings import describe_problems
from microgrid_ingestor.settings import IngestorSettings

Result = TypeVar("Result")

STORE_AWAY = 3
"""The exit code when the store cannot be reached, or does not let us."""


def setup() -> None:
    """Make the places for readings and roll-ups, each with its retention: 31 days and a year.

    What is there already stays and gets that retention: older data in it is deleted. It can be run again at
    any time. For InfluxDB the token must be allowed to make buckets; SQLite needs no set-up, its files are
    made at the first use.
    """
    for place, is_new in _done(set_up_stores).items():
        typer.echo(f"{place}: {'made' if is_new else 'was there, is as it should be'}")


def store_tokens() -> None:
    """Make two tokens of InfluxDB and print them, as JSON: `writer` for ingestors, `reader` for the API.

    They are good for the buckets of readings and roll-ups alone, which `setup` makes before. Each call makes
    new ones. The token that this is called with must be allowed to make tokens.
    """
    typer.echo(json.dumps(_done(make_store_tokens)))


def store_snapshot() -> None:
    """Write all that InfluxDB holds to standard output while it runs: a tar archive of a data folder for it.

    The token must be the operator's. A failure is said by the exit code; what was written is then of no use.
    """
    _done(lambda settings: write_store_snapshot(settings, sys.stdout.buffer))


def _done(work: Callable[[IngestorSettings], Awaitable[Result]]) -> Result:
    try:
        settings = IngestorSettings()
    except ValidationError as error:
        raise typer.BadParameter(describe_problems(error)) from None
    try:
        return asyncio.run(_awaited(work(settings)))
    except (RetryableError, PermanentError) as error:
        typer.echo(error, err=True)
        raise typer.Exit(STORE_AWAY) from None


async def _awaited(work: Awaitable[Result]) -> Result:
    return await work
