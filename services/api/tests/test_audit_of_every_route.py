"""Every route that changes something puts it on record, once; what is secret is in no record."""

from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from services.api.tests.every_route import ROWS, SECRETS, Things, names_of_routes
from services.api.tests.two_grids import FOREIGN, OWN, WHO, TwoGrids
from structlog.testing import capture_logs

from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.audit import AuditEntry
from microgrid_common.schemas.user import Role
from microgrid_common.testing.fakes.audit_log import FakeAuditLog

CHANGES_NOTHING = {
    "POST /api/auth/refresh": "goes on with a login that is on record",
    "POST /api/rules/backtest": "stores nothing and tells nobody",
}


@dataclass(frozen=True)
class Recorded:
    """What is to be on record."""

    action: str
    target: str
    """A field of `Things`, or the target itself."""
    before: str | None = None
    """Some of the keys of how it was; None: it was not there, or is not told."""
    after: str | None = None
    in_grid: bool = True
    by_themselves: bool = False
    """Whether the user of the request's body does it; else it is `WHO`."""


_ALERT = "state notes acknowledged_by assigned_to shelved out_of_service"
_USER = "username grants disabled version"
RECORDED = {
    "POST /api/login": Recorded("auth.login", "username", in_grid=False, by_themselves=True),
    "POST /api/auth/login": Recorded("auth.login", "username", in_grid=False, by_themselves=True),
    "POST /api/auth/logout": Recorded("auth.logout", WHO, in_grid=False),
    "PUT /api/auth/password": Recorded("auth.change_password", WHO, None, "version", in_grid=False),
    "PUT /api/grids/{grid_id}": Recorded("grid.describe", "grid_id", None, "name time_zone version"),
    "PUT /api/alerts/{alert_id}/acknowledge": Recorded("alert.acknowledge", "alert_id", _ALERT, _ALERT),
    "POST /api/alerts/{alert_id}/note": Recorded("alert.note", "alert_id", _ALERT, _ALERT),
    "POST /api/alerts/{alert_id}/assign": Recorded("alert.assign", "alert_id", _ALERT, _ALERT),
    "POST /api/alerts/{alert_id}/clear": Recorded("alert.clear", "alert_id", _ALERT, _ALERT),
    "POST /api/alerts/{alert_id}/shelve": Recorded("alert.shelve", "alert_id", _ALERT, _ALERT),
    "POST /api/alerts/{alert_id}/unshelve": Recorded("alert.unshelve", "alert_id", _ALERT, _ALERT),
    "POST /api/alerts/{alert_id}/out-of-service": Recorded(
        "alert.take_out_of_service", "alert_id", _ALERT, _ALERT
    ),
    "POST /api/alerts/{alert_id}/return-to-service": Recorded(
        "alert.return_to_service", "alert_id", _ALERT, _ALERT
    ),
    "PUT /api/device/{grid_id}/{device_id}": Recorded(
        "device.register", "device_id", "device_type", "device_type"
    ),
    "DELETE /api/device/{grid_id}/{device_id}": Recorded("device.unregister", "device_id", "device_type"),
    "POST /api/device/{device_id}/command": Recorded(
        "command.give", "device_id", None, "command_id command parameters"
    ),
    "POST /api/rules": Recorded("rule.create", "rule_id", None, "condition version"),
    "PUT /api/rules/{rule_id}": Recorded("rule.change", "rule_id", "condition version", "condition version"),
    "DELETE /api/rules/{rule_id}": Recorded("rule.delete", "rule_id", "condition version"),
    "PUT /api/maintenance/{grid_id}/{window_id}": Recorded(
        "maintenance.plan", "window_id", "start end by", "start end by"
    ),
    "DELETE /api/maintenance/{grid_id}/{window_id}": Recorded(
        "maintenance.delete", "window_id", "start end by"
    ),
    "PUT /api/notifications/settings": Recorded(
        "notifications.change", "settings", "version settings", "version settings", in_grid=False
    ),
    "POST /api/notifications/push-tokens": Recorded(
        "push_token.register", WHO, None, "platform", in_grid=False
    ),
    "DELETE /api/notifications/push-tokens/{token:path}": Recorded(
        "push_token.remove", WHO, "platform", in_grid=False
    ),
    "POST /api/quarantine/{grid_id}/{entry_id}/replay": Recorded(
        "quarantine.replay", "entry_id", "state", "state verdict readings"
    ),
    "POST /api/quarantine/{grid_id}/{entry_id}/discard": Recorded(
        "quarantine.discard", "entry_id", "state", "state"
    ),
    "POST /api/users": Recorded("user.create", "username", None, _USER, in_grid=False),
    "PUT /api/users/{username}": Recorded("user.change", "username", _USER, _USER, in_grid=False),
    "PUT /api/users/{username}/password": Recorded(
        "user.set_password", "username", None, "version", in_grid=False
    ),
    "POST /api/users/{username}/logout": Recorded(
        "user.log_out", "username", "logins", "logins", in_grid=False
    ),
    "DELETE /api/users/{username}": Recorded("user.remove", "username", _USER, in_grid=False),
}


def test_every_route_that_may_change_something_is_named(app: FastAPI) -> None:
    changing = {name for name in names_of_routes(app) if not name.startswith(("GET ", "WS "))}
    assert changing == RECORDED.keys() | CHANGES_NOTHING.keys()
    assert not RECORDED.keys() & CHANGES_NOTHING.keys()


async def test_every_change_is_on_record_once(two_grids: TwoGrids, audit: FakeAuditLog) -> None:
    await two_grids.grant({"*": Role.ADMIN})
    for name, expected in RECORDED.items():
        things = await two_grids.things(FOREIGN)
        audit.recorded.clear()
        answer = await two_grids.ask(ROWS[name], things)
        assert answer.status == ROWS[name].allowed, name
        assert [one.entry.action for one in audit.recorded] == [expected.action], name
        _check(audit.recorded[0].entry, expected, things)
        for secret in SECRETS:
            assert secret not in audit.recorded[0].entry.model_dump_json(), name


def _check(entry: AuditEntry, expected: Recorded, things: Things) -> None:
    assert entry.who == (things.username if expected.by_themselves else WHO), expected.action
    assert entry.grid_id == (FOREIGN if expected.in_grid else None), expected.action
    # What is made anew is named after a thing that is there.
    assert entry.target.startswith(getattr(things, expected.target, expected.target)), expected.action
    for side, keys in ((entry.before, expected.before), (entry.after, expected.after)):
        assert set(_keys(side)) >= set((keys or "").split()), expected.action
        assert (side is None) == (keys is None), expected.action
    assert (entry.address, entry.request_id) == ("127.0.0.1", "same")


def _keys(side: Any) -> list[str]:
    return [] if side is None else list(side)


async def test_what_changes_nothing_is_not_on_record(two_grids: TwoGrids, audit: FakeAuditLog) -> None:
    await two_grids.grant({"*": Role.ADMIN})
    for name in CHANGES_NOTHING:
        assert (await two_grids.ask(ROWS[name], await two_grids.things(OWN))).status == ROWS[name].allowed
    replay = "POST /api/quarantine/{grid_id}/{entry_id}/replay"
    things = await two_grids.things(OWN)
    path = ROWS[replay].path(things)
    headers = {"Authorization": f"Bearer {await two_grids.people.token(WHO)}"}
    tried = await two_grids.client.post(f"{path}?dry_run=true", headers=headers)
    assert (tried.status_code, tried.json()["verdict"]) == (200, "accepted")
    assert audit.recorded == []


async def test_before_and_after_tell_what_has_changed(two_grids: TwoGrids, audit: FakeAuditLog) -> None:
    await two_grids.grant({OWN: Role.ADMIN})
    things = await two_grids.things(OWN)
    for name in (
        "PUT /api/alerts/{alert_id}/acknowledge",
        "PUT /api/device/{grid_id}/{device_id}",
        "PUT /api/rules/{rule_id}",
        "DELETE /api/maintenance/{grid_id}/{window_id}",
        "POST /api/quarantine/{grid_id}/{entry_id}/replay",
    ):
        await two_grids.ask(ROWS[name], things)
    alert, device, rule, window, message = (one.entry for one in audit.recorded)
    assert _both(alert, "state") == ("unacknowledged", "acknowledged")
    assert _both(alert, "acknowledged_by") == (None, WHO)
    assert _both(device, "device_type") == ("unregistered", "relay")
    assert _both(rule, "version") == (1, 2)
    assert (_both(window, "by"), window.after) == (("amina", None), None)
    assert _both(message, "state") == ("open", "replayed")


def _both(entry: AuditEntry, key: str) -> tuple[Any, Any]:
    before, after = ((side or {}) for side in (entry.before, entry.after))
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    return before.get(key), after.get(key)


async def test_a_refused_change_is_not_on_record(two_grids: TwoGrids, audit: FakeAuditLog) -> None:
    await two_grids.grant({OWN: Role.ADMIN})
    things = await two_grids.things(OWN)
    deleted = ROWS["DELETE /api/rules/{rule_id}"]
    assert (await two_grids.ask(deleted, things)).status == 200
    for name, status in [
        (deleted.name, 404),
        ("PUT /api/rules/{rule_id}", 404),
        ("PUT /api/grids/{grid_id}", 200),
        ("PUT /api/grids/{grid_id}", 409),
    ]:
        assert (await two_grids.ask(ROWS[name], things)).status == status
    assert [one.entry.action for one in audit.recorded] == ["rule.delete", "grid.describe"]


@pytest.mark.parametrize(
    ("typed", "shown"),
    [("user-9", "user-9"), (" Maria@Example.org ", "maria@example.org"), ("my secret password", None)],
)
async def test_a_login_that_is_refused_is_in_the_services_log(
    two_grids: TwoGrids, audit: FakeAuditLog, typed: str, shown: str | None
) -> None:
    with capture_logs() as logs:
        answer = await two_grids.client.post("/api/auth/login", json={"username": typed, "password": "wrong"})
    assert answer.status_code == 401
    [line] = [line for line in logs if line["event"] == "login_refused"]
    assert (line["username"], line["address"]) == (shown, "127.0.0.1")
    assert audit.recorded == []


async def test_one_can_log_in_and_out_while_the_audit_log_is_away(
    two_grids: TwoGrids, audit: FakeAuditLog
) -> None:
    await two_grids.grant({})
    things = await two_grids.things(OWN)
    for name in ("POST /api/auth/login", "POST /api/auth/logout"):
        audit.fail_next(RetryableError("away"), times=3)
        assert (await two_grids.ask(ROWS[name], things)).status == ROWS[name].allowed
    assert audit.recorded == []
