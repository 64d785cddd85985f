"""`make prove`: kill everything, lose nothing. Exit code 1 on any violation."""

import asyncio
import shutil
import time
from pathlib import Path
from typing import Annotated

import typer
from tests.prove.run import Options, prove
from tests.prove.system import NotReadyError

from microgrid_common.testing.servers import ServerUnavailableError

_SECONDS_AT_MOST = 470.0


def _command(  # noqa: PLR0917 - typer makes options of them, by name
    seed: Annotated[int, typer.Option(help="Decides what is killed when, and what is bad.")] = 0,
    cycles: Annotated[int, typer.Option(min=5, help="How many kills.")] = 10,
    devices: Annotated[int, typer.Option(min=1)] = 200,
    rate: Annotated[float, typer.Option(min=1, help="Messages a second, of all devices.")] = 200,
    bad_share: Annotated[float, typer.Option(min=0, max=1)] = 0.01,
    reports: Annotated[Path, typer.Option(help="Where prove.json and prove.md go.")] = Path("reports"),
) -> None:
    """Run the whole system on real servers, kill its parts one after the other, and check every promise."""
    log_folder = (reports / "prove-logs").resolve()
    shutil.rmtree(log_folder, ignore_errors=True)
    log_folder.mkdir(parents=True)
    options = Options(
        seed=seed,
        cycles=cycles,
        devices=devices,
        messages_per_second=rate,
        bad_share=bad_share,
        log_folder=log_folder,
    )
    started = time.monotonic()

    def say(text: str) -> None:
        typer.echo(f"{time.monotonic() - started:6.1f} s  {text}")

    async def bounded() -> bool:
        async with asyncio.timeout(_SECONDS_AT_MOST):
            report = await prove(options, say)
        report.write(reports)
        typer.echo(f"\n{report.as_markdown()}")
        return report.holds

    try:
        holds = asyncio.run(bounded())
    except (NotReadyError, ServerUnavailableError) as error:
        say(f"cannot begin: {error}")
        holds = False
    except TimeoutError:
        say(f"VIOLATION: not finished within {_SECONDS_AT_MOST:g} s; logs are in {log_folder}")
        holds = False
    raise typer.Exit(0 if holds else 1)


if __name__ == "__main__":
    typer.run(_command)
