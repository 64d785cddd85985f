"""The FastAPI application."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from microgrid_api.body_limit import BodyLimit
from microgrid_api.context import ApiContext
from microgrid_api.errors import Problem, add_error_handlers
from microgrid_api.failed_logins import FailedLogins
from microgrid_api.host_guard import HostGuard
from microgrid_api.live import LiveFeed
from microgrid_api.live_clients import LiveClients
from microgrid_api.ports import ApiPorts
from microgrid_api.routes import (
    alarm_load,
    alert_actions,
    alerts,
    backtest,
    commands,
    dashboard,
    devices,
    grids,
    health,
    historical,
    ledger,
    live,
    login,
    maintenance,
    notifications,
    quarantine,
    rules,
)
from microgrid_common.runtime.alarm_desk import AlarmDesk

LONGEST_SHELVING: Final = timedelta(hours=24)
"""An alarm that nobody needs for longer is a case for maintenance, or out of service."""

_DESCRIPTION = """\
Live values, alerts and history of a microgrid.

Sign in with `POST /api/login` and send the token as `Authorization: Bearer …` with every other call.
Times are ISO 8601 in UTC with milliseconds. An error is JSON with `detail`.

Live data comes over a WebSocket at `/api/live`, with the token in the `Authorization` header or, for a
browser, as `/api/live?token=…`. The server sends JSON messages:

| `type` | what | fields |
| --- | --- | --- |
| `snapshot` | first, the state as it is | `readings`: metric → `value`, `time`, `device_id`; `alerts` |
| `reading` | new values; a slow client gets only the latest ones | `readings`, as in `snapshot` |
| `alert` | everything that happens to an alert, nothing left out | `transition`, `event`, `state`, `at`, \
`alert` |
| `device` | a device came, went, fell silent or was heard again | `device_id`, `change`, `at`, and how it \
stands now: `connected`, `stale`, `last_seen` |
| `heartbeat` | every 15 s | |

Of an `alert` message, `transition` says what it means for the list of active alerts. `raised`: add the
alert. `cleared`: take it away. `changed`: leave the list as it is. An alert that is shelved, suppressed or
taken out of service is `cleared`; when that ends while the alarm lasts, it is `raised` again under the same
id. So a client that knows only these two and passes over others shows the right list. `event` says what
happened: `raised`, `cleared`, `returned`, `acknowledged`, `shelved`, `unshelved`, `suppressed`,
`unsuppressed`, `taken_out_of_service`, `returned_to_service`, `superseded`, `noted` or `assigned`; `state`
says where the alarm stands since then. `GET /api/alerts/{grid_id}/{alert_id}` has the rest.

A value in `readings` that is further from the device's value before than is believable has
`"implausible_step": true`.

It closes with 4401 (sign in again), 4404 (no such grid for you), 4403 (a web page of another origin), 1013
(come back later: too many clients, a client that fell behind, or a store that is away) or 1012 (the server
restarts).
"""


def create_app(
    ports: ApiPorts,
    *,
    feed: LiveFeed,
    cors_origins: Iterable[str] = (),
    live_clients_limit: int = 2_000,
    longest_shelving: timedelta = LONGEST_SHELVING,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FastAPI:
    """Build the application.

    Args:
        ports: what it needs from outside.
        feed: where live values come from; the caller runs it.
        cors_origins: web origins whose pages may call it; none by default.
        live_clients_limit: how many live connections may be open at once.
        longest_shelving: for how long an operator may put an alarm aside at once.
        now: the present, aware, in UTC.
    """
    origins = frozenset(cors_origins)
    app = FastAPI(
        title="Microgrid monitor",
        version=version("microgrid-api"),
        description=_DESCRIPTION,
        redoc_url=None,
        redirect_slashes=False,
        responses={421: {"model": Problem, "description": "Called by a domain name."}},
        openapi_tags=[
            {"name": "login", "description": "Signing in."},
            {"name": "dashboard", "description": "What the operators' dashboard shows."},
            {"name": "history", "description": "The past of a grid, for charts and as tables."},
            {"name": "alerts", "description": "Alerts of all grids, whole: to find, and to act on."},
            {"name": "devices", "description": "The devices of a grid."},
            {"name": "commands", "description": "What devices are told to do, and what became of it."},
            {
                "name": "grids",
                "description": "What people say about grids: name, time zone, tariff, battery.",
            },
            {"name": "rules", "description": "What raises alarms, and when that is expected."},
            {"name": "notifications", "description": "Whom alarms are told, and how."},
            {"name": "quarantine", "description": "Messages that were refused; for administrators."},
            {"name": "health", "description": "For those who run the service; without a token."},
        ],
    )
    app.state.context = ApiContext(
        ports=ports,
        feed=feed,
        failed_logins=FailedLogins(),
        live_clients=LiveClients(limit=live_clients_limit),
        cors_origins=origins,
        alarm_desk=AlarmDesk(ports.states, ports.records, now),
        longest_shelving=longest_shelving,
        now=now,
    )
    add_error_handlers(app)
    app.add_middleware(BodyLimit)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(origins),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-Match", "If-None-Match"],
            expose_headers=["Content-Disposition", "ETag", "Location", "Retry-After"],
        )
    app.add_middleware(HostGuard)
    # A path of fixed words goes before one with a parameter in their place.
    for routes in (
        login,
        dashboard,
        historical,
        live,
        alarm_load,
        alerts,
        alert_actions,
        backtest,
        commands,
        devices,
        grids,
        ledger,
        rules,
        maintenance,
        notifications,
        quarantine,
        health,
    ):
        app.include_router(routes.router)
    return app
