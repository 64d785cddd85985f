"""Every route of the API in one table: what has to be sent, and who may; for the tests that try them all."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from services.api.tests.people import PASSWORD

from microgrid_common.schemas.identifiers import DEFAULT_GRID_ID
from microgrid_common.schemas.user import EVERY_GRID, Grants, Role


@dataclass(frozen=True)
class Things:
    """One thing of each kind, for one request."""

    grid_id: str
    device_id: str
    alert_id: str
    command_id: str
    entry_id: str
    window_id: str
    rule_id: str
    username: str
    token: str
    """A push token of whoever asks."""
    refresh_token: str
    metric: str = "consumption_kw"


class Where(Enum):
    """What a role has to be held in."""

    NOWHERE = auto()
    """Without a token."""
    ANYWHERE = auto()
    """Any token; what is shown depends on it."""
    GRID = auto()
    """The grid of the path, or of the thing that it names: to others it is not there."""
    GRID_OF_RULE = auto()
    """The same, and nothing at all for those who see no grid."""
    DEFAULT_GRID = auto()
    SOME_GRID = auto()
    EVERY_GRID = auto()


@dataclass(frozen=True)
class Row:
    """One route."""

    name: str
    """The method, or `WS`, and the path."""
    where: Where
    least: Role = Role.VIEWER
    body: Callable[[Things], Any] | None = None
    query: str = ""
    allowed: int = 200
    """What those are answered who may."""

    @property
    def method(self) -> str:
        return self.name.partition(" ")[0]

    def path(self, things: Things) -> str:
        path = self.name.partition(" ")[2].replace(":path}", "}")
        return path.format(**vars(things))

    def names_a_thing_in_a_grid(self) -> bool:
        """Whether the path has both a grid and something that may be of another one."""
        return self.where is Where.GRID and "{grid_id}" in self.name and self.name.count("_id}") > 1

    def expected(self, grants: Grants, grid_id: str) -> int:
        """What somebody is to be answered who asks for a thing of a grid."""
        match self.where:
            case Where.NOWHERE | Where.ANYWHERE:
                return self.allowed
            case Where.EVERY_GRID:
                return self._answer(grants, EVERY_GRID) or 403
            case Where.SOME_GRID:
                return max((self._answer(grants, grid) or 403 for grid in grants), default=403, key=_is_good)
            case Where.GRID_OF_RULE if not grants:
                return 403
            case Where.DEFAULT_GRID:
                return self._answer(grants, DEFAULT_GRID_ID) or 404
        return self._answer(grants, grid_id) or 404

    def _answer(self, grants: Grants, grid_id: str) -> int | None:
        order = list(Role)
        roles = [order.index(grants[scope]) for scope in (grid_id, EVERY_GRID) if scope in grants]
        if not roles:
            return None
        return self.allowed if max(roles) >= order.index(self.least) else 403


def _is_good(status: int) -> bool:
    return status < 300


def names_of_routes(app: FastAPI) -> set[str]:
    """Every route that the application has, as rows name them."""
    return {
        f"{method} {route.path}"
        for route in iter_route_contexts(app.routes)
        for method in (route.methods or {"WS"}) - {"HEAD"}
    }


def _nothing(_: Things) -> Any:
    return {}


def _credentials(things: Things) -> Any:
    return {"username": things.username, "password": PASSWORD}


def _rule(things: Things) -> Any:
    return {
        "rule_id": things.rule_id,
        "name": "Battery low",
        "scope": {"grid_id": things.grid_id},
        "condition": {"type": "threshold", "metric": "battery_soc", "comparison": "<", "threshold": 20},
        "severity": "warning",
        "message": "Battery low.",
    }


def _new_rule(things: Things) -> Any:
    return {**_rule(things), "rule_id": f"{things.rule_id}-new"}


def _reason(_: Things) -> Any:
    return {"reason": "test"}


_OPERATOR, _TECHNICIAN, _ADMIN = Role.COMMUNITY_OPERATOR, Role.TECHNICIAN, Role.ADMIN
_USER: Final = {"name": "M", "grants": {"default": "viewer"}}
_WORK: Final = {"start": "2026-11-23T08:00:00Z", "end": "2026-11-23T09:00:00Z", "reason": "test"}
_SECRET_URL: Final = "ntfys://user:hunter2@ntfy.example/village"
_SETTINGS: Final = {"channels": [{"kind": "apprise", "channel_id": "ntfy", "url": _SECRET_URL}]}

SECRETS: Final = (PASSWORD, "hunter2", "push-token-")
"""Parts of what is sent below that nobody may read again."""

_ROWS: Final = [
    Row("GET /openapi.json", Where.NOWHERE),
    Row("GET /docs", Where.NOWHERE),
    Row("GET /docs/oauth2-redirect", Where.NOWHERE),
    Row("GET /healthz", Where.NOWHERE),
    Row("GET /readyz", Where.NOWHERE),
    Row("GET /metrics", Where.NOWHERE),
    # Signing in.
    Row("POST /api/login", Where.NOWHERE, body=_credentials),
    Row("POST /api/auth/login", Where.NOWHERE, body=_credentials),
    Row(
        "POST /api/auth/refresh",
        Where.NOWHERE,
        body=lambda things: {"refresh_token": things.refresh_token},
    ),
    Row("POST /api/auth/logout", Where.ANYWHERE, allowed=204),
    Row("GET /api/auth/me", Where.ANYWHERE),
    Row(
        "PUT /api/auth/password",
        Where.ANYWHERE,
        body=lambda _: {"current_password": PASSWORD, "new_password": PASSWORD},
    ),
    # The prototype's dashboard.
    Row("GET /api/dashboard/realtime", Where.DEFAULT_GRID),
    Row("GET /api/dashboard/alerts", Where.DEFAULT_GRID),
    Row("GET /api/dashboard/historical", Where.DEFAULT_GRID, query="metric=consumption_kw&period=24h"),
    # There is no room for live clients: those who may watch are told so.
    Row("WS /api/live", Where.DEFAULT_GRID, allowed=1013),
    Row("WS /api/live/{grid_id}", Where.GRID, allowed=1013),
    Row("GET /api/live/{grid_id}/events", Where.GRID, allowed=503),
    # Grids.
    Row("GET /api/overview", Where.ANYWHERE),
    Row("GET /api/dashboard/summary/{grid_id}", Where.GRID),
    Row("GET /api/grids", Where.ANYWHERE),
    Row("GET /api/grids/{grid_id}", Where.GRID),
    Row("PUT /api/grids/{grid_id}", Where.GRID, _ADMIN, lambda _: {"name": "A grid", "version": 0}),
    Row("GET /api/historical/{grid_id}/{metric}", Where.GRID),
    Row("GET /api/historical/{grid_id}", Where.GRID, query="metrics=consumption_kw"),
    Row("GET /api/export/{grid_id}", Where.GRID, query="metrics=consumption_kw"),
    Row("GET /api/export/{grid_id}/alerts", Where.GRID),
    Row("GET /api/reports/{grid_id}/energy", Where.GRID),
    Row("GET /api/audit", Where.EVERY_GRID, _ADMIN),
    Row("GET /api/audit/{grid_id}", Where.GRID, _ADMIN),
    # Alerts.
    Row("GET /api/alerts/{grid_id}", Where.GRID),
    Row("GET /api/alerts/{grid_id}/load", Where.GRID),
    Row("GET /api/alerts/{grid_id}/{alert_id}", Where.GRID),
    Row("PUT /api/alerts/{alert_id}/acknowledge", Where.GRID, _OPERATOR, _nothing),
    Row("POST /api/alerts/{alert_id}/note", Where.GRID, _OPERATOR, lambda _: {"text": "test"}),
    Row("POST /api/alerts/{alert_id}/assign", Where.GRID, _OPERATOR, lambda _: {"to": "amina"}),
    Row("POST /api/alerts/{alert_id}/clear", Where.GRID, _OPERATOR),
    Row(
        "POST /api/alerts/{alert_id}/shelve",
        Where.GRID,
        _OPERATOR,
        lambda things: {"minutes": 5, **_reason(things)},
    ),
    Row("POST /api/alerts/{alert_id}/unshelve", Where.GRID, _OPERATOR),
    Row("POST /api/alerts/{alert_id}/out-of-service", Where.GRID, _TECHNICIAN, _reason),
    Row("POST /api/alerts/{alert_id}/return-to-service", Where.GRID, _TECHNICIAN),
    # Devices and commands.
    Row("GET /api/device/{grid_id}/list", Where.GRID),
    Row("GET /api/device/{grid_id}/{device_id}", Where.GRID),
    Row("GET /api/device/{grid_id}/{device_id}/ledger", Where.GRID),
    Row("PUT /api/device/{grid_id}/{device_id}", Where.GRID, _ADMIN, lambda _: {"type": "relay"}),
    Row("DELETE /api/device/{grid_id}/{device_id}", Where.GRID, _ADMIN),
    Row("GET /api/device/{grid_id}/{device_id}/commands", Where.GRID),
    Row("GET /api/device/{grid_id}/{device_id}/commands/catalogue", Where.GRID),
    Row("GET /api/commands/{command_id}", Where.GRID),
    Row(
        "POST /api/device/{device_id}/command",
        Where.GRID,
        _TECHNICIAN,
        lambda _: {"command": "identify"},
        allowed=202,
    ),
    # Rules and maintenance.
    Row("GET /api/rules", Where.SOME_GRID),
    Row("GET /api/rules/{rule_id}", Where.GRID_OF_RULE),
    Row("GET /api/rules/{rule_id}/versions", Where.GRID_OF_RULE),
    Row("POST /api/rules", Where.GRID_OF_RULE, _ADMIN, _new_rule, allowed=201),
    Row(
        "PUT /api/rules/{rule_id}",
        Where.GRID_OF_RULE,
        _ADMIN,
        lambda things: {**_rule(things), "version": 1},
    ),
    Row("DELETE /api/rules/{rule_id}", Where.GRID_OF_RULE, _ADMIN, query="version=1"),
    Row(
        "POST /api/rules/backtest",
        Where.GRID,
        _TECHNICIAN,
        lambda things: {"grid_id": things.grid_id, "rule": _rule(things)},
    ),
    Row("GET /api/maintenance/{grid_id}", Where.GRID),
    Row("GET /api/maintenance/{grid_id}/{window_id}", Where.GRID),
    Row("PUT /api/maintenance/{grid_id}/{window_id}", Where.GRID, _TECHNICIAN, lambda _: _WORK),
    Row("DELETE /api/maintenance/{grid_id}/{window_id}", Where.GRID, _TECHNICIAN),
    # Notifications.
    Row("GET /api/notifications/settings", Where.EVERY_GRID, _ADMIN),
    Row(
        "PUT /api/notifications/settings",
        Where.EVERY_GRID,
        _ADMIN,
        lambda _: {"version": 0, "settings": _SETTINGS},
    ),
    Row(
        "POST /api/notifications/push-tokens",
        Where.ANYWHERE,
        body=lambda things: {"token": f"{things.token}-new", "platform": "android"},
    ),
    Row("DELETE /api/notifications/push-tokens/{token:path}", Where.ANYWHERE),
    # Quarantine.
    Row("GET /api/quarantine/{grid_id}", Where.GRID, _ADMIN),
    Row("GET /api/quarantine/{grid_id}/{entry_id}", Where.GRID, _ADMIN),
    Row("POST /api/quarantine/{grid_id}/{entry_id}/replay", Where.GRID, _ADMIN),
    Row("POST /api/quarantine/{grid_id}/{entry_id}/discard", Where.GRID, _ADMIN),
    # Users.
    Row("GET /api/users", Where.EVERY_GRID, _ADMIN),
    Row(
        "POST /api/users",
        Where.EVERY_GRID,
        _ADMIN,
        lambda things: {**_USER, "username": f"{things.username}.new", "password": PASSWORD},
        allowed=201,
    ),
    Row("GET /api/users/{username}", Where.EVERY_GRID, _ADMIN),
    Row("PUT /api/users/{username}", Where.EVERY_GRID, _ADMIN, lambda _: {**_USER, "version": 1}),
    Row(
        "PUT /api/users/{username}/password",
        Where.EVERY_GRID,
        _ADMIN,
        lambda _: {"password": PASSWORD},
    ),
    Row("POST /api/users/{username}/logout", Where.EVERY_GRID, _ADMIN),
    Row("DELETE /api/users/{username}", Where.EVERY_GRID, _ADMIN),
]

ROWS: Final = {row.name: row for row in _ROWS}
"""By their names."""
