"""What every request handler works with."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, cast

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from microgrid_api.auth import PROTOTYPE_USERNAME, FailedLogins, PrototypeAuthentication
from microgrid_api.live import LiveFeed
from microgrid_api.live_clients import LiveClients
from microgrid_api.ports import ApiPorts
from microgrid_common.runtime.alarm_desk import AlarmDesk
from microgrid_common.schemas.alert import Alert
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID


@dataclass(frozen=True, slots=True)
class ApiContext:
    """What every request handler works with: made once by `create_app`."""

    ports: ApiPorts
    feed: LiveFeed
    authentication: PrototypeAuthentication
    failed_logins: FailedLogins
    live_clients: LiveClients
    alarm_desk: AlarmDesk
    """Carries out what operators do about alerts."""
    longest_shelving: timedelta
    """For how long an operator may put an alarm aside at once."""
    cors_origins: frozenset[str]
    now: Callable[[], datetime]
    """The present, aware, in UTC."""
    backtest_running: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the one backtest that may run: it is work for the processor."""

    async def active_alerts(self, grid_id: str) -> list[Alert]:
        """The annunciated alerts of a grid, and those about the platform, the newest first.

        Raises:
            RetryableError: the alert store is away.
        """
        active = await self.ports.records.active_alerts(grid_id)
        active += await self.ports.records.active_alerts(PLATFORM_GRID_ID)
        return sorted(active, key=lambda alert: (alert.raised_at, alert.number), reverse=True)


def context_of(connection: HTTPConnection) -> ApiContext:
    """The context of a request or a WebSocket."""
    return cast("ApiContext", connection.app.state.context)


Context = Annotated[ApiContext, Depends(context_of)]

_bearer = HTTPBearer(auto_error=False, description="The token that `POST /api/login` returns.")


def signed_in(
    context: Context, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> str:
    """Let a request through only with a valid token; returns who makes it.

    The prototype knows one user.

    Raises:
        HTTPException: 401, there is none, or it is wrong.
    """
    if credentials is None:
        detail = "A bearer token is needed: sign in with POST /api/login."
    elif not context.authentication.accepts(credentials.credentials):
        detail = "The bearer token is not valid: sign in again with POST /api/login."
    else:
        return PROTOTYPE_USERNAME
    raise HTTPException(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": "Bearer"})


Operator = Annotated[str, Depends(signed_in)]
"""The name of the person who makes a request."""


def administrator(who: Operator) -> str:
    """Let a request through only when an administrator makes it; returns who that is.

    The prototype's one user may do everything, and is served on this machine only.

    Raises:
        HTTPException: 401, as `signed_in`.
    """
    return who


Administrator = Annotated[str, Depends(administrator)]
"""The name of the administrator who makes a request."""
