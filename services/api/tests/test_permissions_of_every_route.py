"""Every route, tried by everybody: who may, who may not, and for whom a thing is not there."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from services.api.tests.every_route import ROWS, Where, names_of_routes
from services.api.tests.people import KEY, People
from services.api.tests.two_grids import FOREIGN, NOWHERE, OWN, TwoGrids

from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID
from microgrid_common.schemas.user import Grants, Role
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.audit_log import FakeAuditLog
from microgrid_common.testing.samples import SAMPLE_TIME, put_alerts, sample_record

CALLERS: dict[str, Grants] = {
    "nobody": {},
    "viewer": {OWN: Role.VIEWER},
    "community operator": {OWN: Role.COMMUNITY_OPERATOR},
    "technician": {OWN: Role.TECHNICIAN},
    "admin": {OWN: Role.ADMIN},
    "admin of another grid": {FOREIGN: Role.ADMIN},
    "admin here, viewer there": {OWN: Role.ADMIN, FOREIGN: Role.VIEWER},
    "viewer of every grid": {"*": Role.VIEWER},
    "admin of every grid": {"*": Role.ADMIN},
}
GUARDED = [row for row in ROWS.values() if row.where is not Where.NOWHERE]
IN_A_GRID = [row for row in GUARDED if row.where in {Where.GRID, Where.GRID_OF_RULE}]

Token = Callable[[People], str | None]


def test_every_route_has_a_row(app: FastAPI) -> None:
    assert names_of_routes(app) == set(ROWS)


@pytest.mark.parametrize("who", list(CALLERS))
async def test_everybody_may_what_their_role_in_that_grid_allows(
    two_grids: TwoGrids, audit: FakeAuditLog, who: str
) -> None:
    grants = CALLERS[who]
    await two_grids.grant(grants)
    answered, expected = {}, {}
    for row in ROWS.values():
        for grid_id in (OWN, FOREIGN) if row in IN_A_GRID else (OWN,):
            things = await two_grids.things(grid_id)
            before = len(audit.recorded)
            answer = await two_grids.ask(row, things)
            answered[row.name, grid_id] = answer.status
            expected[row.name, grid_id] = row.expected(grants, grid_id)
            if answer.status >= 400:
                assert audit.recorded[before:] == [], f"{row.name} was refused, and is on record"
            if not {FOREIGN, "*"} & grants.keys() and row.where is not Where.NOWHERE:
                assert FOREIGN not in answer.text, f"{row.name} tells of a foreign grid"
    assert answered == expected


@pytest.mark.parametrize("who", ["viewer", "technician", "admin"])
async def test_what_is_in_a_foreign_grid_is_answered_like_what_is_not_there(
    two_grids: TwoGrids, who: str
) -> None:
    await two_grids.grant(CALLERS[who])
    for row in IN_A_GRID:
        foreign = await two_grids.ask(row, await two_grids.things(FOREIGN))
        missing = await two_grids.ask(row, two_grids.unknown(NOWHERE))
        assert (foreign.status, foreign.text) == (404, missing.text) == (missing.status, foreign.text), (
            row.name
        )


@pytest.mark.parametrize("who", ["viewer", "technician", "admin", "admin here, viewer there"])
async def test_a_thing_of_a_foreign_grid_is_not_found_under_the_own_one(
    two_grids: TwoGrids, who: str
) -> None:
    await two_grids.grant(CALLERS[who])
    for row in IN_A_GRID:
        if row.names_a_thing_in_a_grid():
            foreign = await two_grids.ask(row, await two_grids.things(FOREIGN), grid_id=OWN)
            missing = await two_grids.ask(row, two_grids.unknown(OWN))
            assert (foreign.status, foreign.text) == (missing.status, missing.text), row.name


CLAIMS = {
    "iss": "microgrid",
    "aud": "microgrid-api",
    "sub": "root",
    "sid": "login-1",
    "exp": int((SAMPLE_TIME + timedelta(minutes=15)).timestamp()),
    "grants": {"*": "admin"},
}


def jwt(claims: dict[str, Any], *, key: bytes = KEY, alg: str = "HS256", sign: bool = True) -> str:
    # As the service names its keys; a wrong name is refused before the signature is looked at.
    kid = hashlib.sha256(b"microgrid key id " + KEY).hexdigest()[:16]
    parts = [encoded(json.dumps(part).encode()) for part in ({"alg": alg, "kid": kid}, claims)]
    digest = {"HS512": "sha512"}.get(alg, "sha256")
    signature = hmac.digest(key, ".".join(parts).encode(), digest) if sign else b""
    return ".".join([*parts, encoded(signature)])


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


GOOD = jwt(CLAIMS)
LATE = int(SAMPLE_TIME.timestamp())
BAD_TOKENS: dict[str, str | None] = {
    "no": None,
    "nonsense": "nonsense",
    "expired": jwt({**CLAIMS, "exp": LATE}),
    "endless": jwt({name: claim for name, claim in CLAIMS.items() if name != "exp"}),
    "forged": jwt(CLAIMS, key=b"x" * 32),
    "changed": ".".join(
        [GOOD.split(".")[0], jwt({**CLAIMS, "sub": "maria"}).split(".")[1], GOOD.split(".")[2]]
    ),
    "none-algorithm": jwt(CLAIMS, alg="none", sign=False),
    "other-algorithm": jwt(CLAIMS, alg="HS512"),
    "refresh": jwt({**CLAIMS, "aud": "microgrid-refresh", "gen": 0}),
    "wrong-audience": jwt({**CLAIMS, "aud": "another-service"}),
    "wrong-issuer": jwt({**CLAIMS, "iss": "another-service"}),
    "revoked": jwt({**CLAIMS, "sid": "ended"}),
}


async def test_the_token_that_the_bad_ones_are_made_from_is_good(two_grids: TwoGrids) -> None:
    headers = {"Authorization": f"Bearer {GOOD}"}
    answer = await two_grids.ask_with(ROWS["GET /api/auth/me"], two_grids.unknown(OWN), headers)
    assert answer.status == 200


@pytest.mark.parametrize("kind", list(BAD_TOKENS))
async def test_a_bad_token_opens_nothing(
    two_grids: TwoGrids, people: People, audit: FakeAuditLog, kind: str
) -> None:
    await people.revocations.revoke("ended", until=SAMPLE_TIME + timedelta(hours=1))
    token = BAD_TOKENS[kind]
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    things = await two_grids.things(OWN)
    audit.recorded.clear()
    for row in GUARDED:
        answer = await two_grids.ask_with(row, things, headers)
        assert answer.status == 401, row.name
        if row.method != "WS":
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            # Answers to a key are given before anything else is asked.
            keyed = await two_grids.ask_with(row, things, {**headers, "Idempotency-Key": "tap-1"})
            assert keyed.status == 401, row.name
        if token is not None and "/api/live" in row.name:
            in_address = await two_grids.ask_with(replace(row, query=f"token={token}"), things, {})
            assert in_address.status == 401, row.name
    assert audit.recorded == []


def test_refusals_are_documented(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    for row in GUARDED:
        if row.method == "WS":
            continue
        documented = paths[row.name.partition(" ")[2].replace(":path", "")][row.method.lower()]["responses"]
        answers = {row.expected(grants, grid_id) for grants in CALLERS.values() for grid_id in (OWN, FOREIGN)}
        assert {str(status) for status in answers | {401}} <= documented.keys(), row.name


@pytest.mark.parametrize(
    ("grants", "seen", "handled"),
    [
        ({}, 404, 404),
        ({OWN: Role.VIEWER}, 200, 403),
        ({OWN: Role.ADMIN}, 200, 403),
        ({"*": Role.VIEWER}, 200, 403),
        ({"*": Role.COMMUNITY_OPERATOR}, 200, 200),
    ],
)
async def test_all_see_what_the_platform_says_of_itself_and_those_of_every_grid_handle_it(
    two_grids: TwoGrids, states: FakeAlarmStates, grants: Grants, seen: int, handled: int
) -> None:
    await two_grids.grant(grants)
    await put_alerts(states, sample_record(grid_id=PLATFORM_GRID_ID, number=1))
    things = replace(two_grids.unknown(PLATFORM_GRID_ID), alert_id=f"alert-{PLATFORM_GRID_ID}-1")
    for name, status in [
        ("GET /api/alerts/{grid_id}", seen),
        ("GET /api/alerts/{grid_id}/{alert_id}", seen),
        ("PUT /api/alerts/{alert_id}/acknowledge", handled),
    ]:
        assert (await two_grids.ask(ROWS[name], things)).status == status, name
