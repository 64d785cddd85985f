"""Health: what a service depends on, by name, and whether it answers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from microgrid_common.ports.errors import PermanentError, RetryableError

PING_TIMEOUT_SECONDS = 2.0
"""Below the shortest probe timeout in use, so that the probe sees which dependency is slow."""

Ping = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Readiness:
    """What each dependency said."""

    problems: Mapping[str, str | None]
    """Dependency → what is wrong with it; None when it answers."""

    @property
    def ready(self) -> bool:
        """Whether every dependency answers."""
        return not any(self.problems.values())

    def as_json(self) -> dict[str, object]:
        """`{"status": "ready", "dependencies": {"redis": "ok"}}`, or `unavailable` with what is wrong."""
        return {
            "status": "ready" if self.ready else "unavailable",
            "dependencies": {name: problem or "ok" for name, problem in self.problems.items()},
        }


async def check_readiness(dependencies: Mapping[str, Ping]) -> Readiness:
    """Ask all dependencies at once; one that does not answer in time counts as away."""
    problems = await asyncio.gather(*(_problem(ping) for ping in dependencies.values()))
    return Readiness(dict(zip(dependencies, problems, strict=True)))


async def _problem(ping: Ping) -> str | None:
    try:
        async with asyncio.timeout(PING_TIMEOUT_SECONDS):
            await ping()
    except (RetryableError, PermanentError) as error:
        return str(error) or type(error).__name__
    except TimeoutError:
        return f"no answer within {PING_TIMEOUT_SECONDS:g} s"
    return None
