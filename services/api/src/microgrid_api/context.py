"""What every request handler works with."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from microgrid_api.grids.summary import Summaries
from microgrid_api.identity.failed_logins import FailedLogins
from microgrid_api.live.channels import LiveChannels
from microgrid_api.live.clients import LiveClients
from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_api.web.request_limits import TokenBuckets
from microgrid_common.runtime.alarm_desk import AlarmDesk


@dataclass(frozen=True, slots=True)
class ApiContext:
    """What every request handler works with: made once by `create_app`."""

    ports: ApiPorts
    feed: LiveFeed
    failed_logins: FailedLogins
    user_requests: TokenBuckets
    """How many requests each user may make."""
    live_clients: LiveClients
    live_channels: LiveChannels
    """The grids that live clients watch."""
    summaries: Summaries
    alarm_desk: AlarmDesk
    """Carries out what operators do about alerts."""
    longest_shelving: timedelta
    """For how long an operator may put an alarm aside at once."""
    cors_origins: frozenset[str]
    now: Callable[[], datetime]
    """The present, aware, in UTC."""
    backtest_running: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the one backtest that may run: it is work for the processor."""
    workbooks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    """Held by each workbook that is being written: as `backtest_running`."""


def context_of(connection: HTTPConnection) -> ApiContext:
    """The context of a request or a WebSocket."""
    return cast("ApiContext", connection.app.state.context)


async def _context_of_request(connection: HTTPConnection) -> ApiContext:
    # Not a plain function: FastAPI would send each call of one to a thread, for a look into a dictionary.
    return context_of(connection)


Context = Annotated[ApiContext, Depends(_context_of_request)]
