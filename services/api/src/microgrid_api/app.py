"""The FastAPI application."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from microgrid_api.context import ApiContext
from microgrid_api.grids.summary import Summaries
from microgrid_api.identity.failed_logins import FailedLogins
from microgrid_api.identity.prototype import PrototypeIdentity
from microgrid_api.live.channels import LiveChannels
from microgrid_api.live.clients import LiveClients
from microgrid_api.live.description import DESCRIPTION
from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_api.routes import (
    alarm_load,
    alert_actions,
    alerts,
    audit,
    auth,
    backtest,
    commands,
    dashboard,
    devices,
    export,
    grids,
    health,
    historical,
    ledger,
    live,
    live_events,
    live_grid,
    login,
    maintenance,
    notifications,
    quarantine,
    reports,
    rules,
    summary,
    users,
)
from microgrid_api.web.body_limit import BodyLimit
from microgrid_api.web.description import describe_problems_as_they_are
from microgrid_api.web.errors import Problem, add_error_handlers
from microgrid_api.web.host_guard import HostGuard
from microgrid_api.web.idempotency import KEY_HEADER, REPLAYED_HEADER, Idempotency
from microgrid_api.web.request_frame import REQUEST_ID_HEADER, RequestFrame
from microgrid_api.web.request_limits import AddressLimits, TokenBuckets
from microgrid_common.runtime.alarm_desk import AlarmDesk

LONGEST_SHELVING: Final = timedelta(hours=24)
"""An alarm that nobody needs for longer is a case for maintenance, or out of service."""


def create_app(
    ports: ApiPorts,
    *,
    feed: LiveFeed,
    cors_origins: Iterable[str] = (),
    live_clients_limit: int = 2_000,
    longest_shelving: timedelta = LONGEST_SHELVING,
    hsts_seconds: int = 0,
    user_requests_per_second: float = 0,
    address_requests_per_second: float = 0,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FastAPI:
    """Build the application.

    Args:
        ports: what it needs from outside.
        feed: where live values come from; the caller runs it.
        cors_origins: web origins whose pages may call it; none by default.
        live_clients_limit: how many live connections may be open at once.
        longest_shelving: for how long an operator may put an alarm aside at once.
        hsts_seconds: for how long browsers are told to come by HTTPS alone; 0: they are not told.
        user_requests_per_second: of each user, ten times as many at once; 0: any number.
        address_requests_per_second: of each address, likewise.
        now: the present, aware, in UTC.
    """
    origins = frozenset(cors_origins)
    app = FastAPI(
        title="Microgrid monitor",
        version=version("microgrid-api"),
        description=DESCRIPTION,
        redoc_url=None,
        redirect_slashes=False,
        responses={
            414: {"model": Problem, "description": "The query is too long."},
            421: {"model": Problem, "description": "Called by a domain name."},
            429: {"model": Problem, "description": "Too many requests; see `Retry-After`."},
        },
        openapi_tags=[
            {"name": "login", "description": "Signing in."},
            {"name": "users", "description": "Who may sign in; for administrators."},
            {"name": "dashboard", "description": "What the operators' dashboard shows."},
            {"name": "history", "description": "The past of a grid, for charts and as tables."},
            {"name": "live", "description": "Changes as they come; see above."},
            {"name": "alerts", "description": "Alerts of all grids, whole: to find, and to act on."},
            {"name": "devices", "description": "The devices of a grid."},
            {"name": "commands", "description": "What devices are told to do, and what became of it."},
            {
                "name": "grids",
                "description": "What people say about grids: name, time zone, tariff, battery.",
            },
            {"name": "reports", "description": "What a grid generated, used and exchanged."},
            {"name": "rules", "description": "What raises alarms, and when that is expected."},
            {"name": "notifications", "description": "Whom alarms are told, and how."},
            {"name": "quarantine", "description": "Messages that were refused; for administrators."},
            {"name": "audit", "description": "Who changed what; for administrators."},
            {"name": "health", "description": "For those who run the service; without a token."},
        ],
    )
    app.state.context = ApiContext(
        ports=ports,
        feed=feed,
        failed_logins=FailedLogins(),
        user_requests=TokenBuckets(user_requests_per_second),
        live_clients=LiveClients(limit=live_clients_limit),
        live_channels=LiveChannels(feed, records=ports.records, links=ports.links),
        cors_origins=origins,
        summaries=Summaries(ports, feed, now),
        alarm_desk=AlarmDesk(ports.states, ports.records, now),
        longest_shelving=longest_shelving,
        now=now,
    )
    add_error_handlers(app)
    app.add_middleware(Idempotency, answers=ports.answers, identity=ports.identity)
    app.add_middleware(BodyLimit)
    app.add_middleware(AddressLimits, buckets=TokenBuckets(address_requests_per_second))
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(origins),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "If-Match",
                "If-None-Match",
                KEY_HEADER,
                REQUEST_ID_HEADER,
            ],
            expose_headers=[
                "Content-Disposition",
                "ETag",
                "Location",
                "Retry-After",
                "X-Total-Count",
                REPLAYED_HEADER,
                REQUEST_ID_HEADER,
            ],
        )
    if isinstance(ports.identity, PrototypeIdentity):
        app.add_middleware(HostGuard)
    app.add_middleware(RequestFrame, hsts_seconds=hsts_seconds, documentation_path=app.docs_url)
    # A path of fixed words goes before one with a parameter in their place.
    for routes in (
        login,
        auth,
        users,
        audit,
        dashboard,
        summary,
        historical,
        export,
        live,
        live_grid,
        live_events,
        alarm_load,
        alerts,
        alert_actions,
        backtest,
        commands,
        devices,
        grids,
        reports,
        ledger,
        rules,
        maintenance,
        notifications,
        quarantine,
        health,
    ):
        app.include_router(routes.router)
    describe_problems_as_they_are(app)
    return app
