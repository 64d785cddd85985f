"""Alarm rules over HTTP: to look at, and for administrators to change."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from services.api.tests.problems import detail_of, fields_of, problems_of

from microgrid_api.routes import rules as routes
from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.alarm_rule import AlarmRuleDraft
from microgrid_common.testing.fakes.rule_store import FakeRuleStore

RULE: dict[str, Any] = {
    "rule_id": "battery-low",
    "name": "Battery low",
    "condition": {"type": "threshold", "metric": "battery_soc", "comparison": "<", "threshold": 20},
    "severity": "warning",
    "message": "Battery at {battery_soc:.1f} % on {device_id}.",
}
WHOLE: dict[str, Any] = {
    **RULE,
    "enabled": True,
    "scope": {"grid_id": None, "device_id": None, "device_type": None, "component": None},
    "condition": {**RULE["condition"], "threshold": 20.0, "hysteresis": 0},
    "recommended_action": "",
    "on_delay_seconds": 0,
    "off_delay_seconds": 0,
    "latching": False,
    "chattering_delay": True,
    "minimum_quality": "uncertain",
    "first_out_group": None,
    "disabled_because": None,
}
NEVER_THERE = "There is no such rule."
CHANGED_MEANWHILE = "Somebody has changed the rule meanwhile: look at it again."


async def create(client: httpx.AsyncClient, **changes: Any) -> Any:
    answer = await client.post("/api/rules", json={**RULE, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def get(client: httpx.AsyncClient, path: str = "") -> Any:
    answer = await client.get(f"/api/rules{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_rule_is_made_with_everything_else_filled_in(operator: httpx.AsyncClient) -> None:
    answer = await operator.post("/api/rules", json=RULE)
    assert (answer.status_code, answer.json()) == (201, {**WHOLE, "version": 1})
    assert (answer.headers["Location"], answer.headers["ETag"]) == ("/api/rules/battery-low", '"1"')
    shown = await operator.get(answer.headers["Location"])
    assert (shown.json(), shown.headers["ETag"]) == (answer.json(), '"1"')


async def test_rules_are_listed_in_the_order_of_their_ids_those_not_in_force_too(
    operator: httpx.AsyncClient, rules: FakeRuleStore
) -> None:
    await create(operator, rule_id="c")
    await create(operator, rule_id="a", enabled=False)
    await create(operator, rule_id="b")
    await rules.disable("b", version=1, because="it divides by zero")
    assert [(rule["rule_id"], rule["enabled"], rule["disabled_because"]) for rule in await get(operator)] == [
        ("a", False, None),
        ("b", True, "it divides by zero"),
        ("c", True, None),
    ]


@pytest.mark.parametrize("in_header", [True, False])
async def test_a_rule_is_replaced_by_its_next_version(
    operator: httpx.AsyncClient, *, in_header: bool
) -> None:
    await create(operator)
    changed = {**RULE, "severity": "critical"}
    headers = {"If-Match": '"1"'} if in_header else {}
    body = changed if in_header else {**changed, "version": 1}
    answer = await operator.put("/api/rules/battery-low", json=body, headers=headers)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    assert answer.json() == {**WHOLE, "severity": "critical", "version": 2}
    assert [(rule["version"], rule["severity"]) for rule in await get(operator, "/battery-low/versions")] == [
        (2, "critical"),
        (1, "warning"),
    ]


async def test_of_two_who_change_a_rule_the_second_looks_again(operator: httpx.AsyncClient) -> None:
    await create(operator)
    first, second = [
        await operator.put("/api/rules/battery-low", json={**RULE, "name": name}, headers={"If-Match": '"1"'})
        for name in ("first", "second")
    ]
    assert (first.status_code, second.status_code) == (200, 409)
    assert detail_of(second) == CHANGED_MEANWHILE
    assert (await get(operator, "/battery-low"))["name"] == "first"


async def test_a_rule_that_is_there_is_not_made_anew(operator: httpx.AsyncClient) -> None:
    await create(operator)
    answer = await operator.post("/api/rules", json={**RULE, "name": "Another"})
    assert (answer.status_code, detail_of(answer)) == (
        409,
        "There is a rule of this id already.",
    )
    assert (await get(operator, "/battery-low"))["name"] == "Battery low"


async def test_there_is_room_for_so_many_rules(
    operator: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "MAXIMUM_RULES", 1)
    await create(operator)
    answer = await operator.post("/api/rules", json={**RULE, "rule_id": "another"})
    assert (answer.status_code, detail_of(answer)) == (409, "There can be no more than 1 rules.")
    assert (await operator.put("/api/rules/battery-low", json={**RULE, "version": 1})).status_code == 200


async def test_a_deleted_rule_is_gone_but_for_its_versions(operator: httpx.AsyncClient) -> None:
    made = await create(operator)
    answer = await operator.delete("/api/rules/battery-low", params={"version": 1})
    assert (answer.status_code, answer.json()) == (200, made)
    assert await get(operator) == []
    for again in (
        await operator.get("/api/rules/battery-low"),
        await operator.delete("/api/rules/battery-low", params={"version": 1}),
        await operator.put("/api/rules/battery-low", json={**RULE, "version": 1}),
    ):
        assert (again.status_code, detail_of(again)) == (404, NEVER_THERE)
    assert made in await get(operator, "/battery-low/versions")


async def test_only_the_version_that_was_looked_at_is_deleted(operator: httpx.AsyncClient) -> None:
    await create(operator)
    await operator.put("/api/rules/battery-low", json={**RULE, "version": 1})
    answer = await operator.delete("/api/rules/battery-low", headers={"If-Match": '"1"'})
    assert (answer.status_code, detail_of(answer)) == (409, CHANGED_MEANWHILE)
    assert (await get(operator, "/battery-low"))["version"] == 2


async def test_a_rule_that_never_was_has_no_versions(operator: httpx.AsyncClient) -> None:
    answer = await operator.get("/api/rules/nothing/versions")
    assert (answer.status_code, detail_of(answer)) == (404, NEVER_THERE)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"rule_id": "Battery low"}, ["rule_id"]),
        ({"name": ""}, ["name"]),
        ({"surprise": 1}, ["surprise"]),
        ({"severity": "terrible"}, ["severity"]),
        ({"message": "x" * 301}, ["message"]),
        ({"message": "{battery_soc!r}"}, ["message"]),
        ({"message": "{no_such_metric}"}, ["message"]),
        ({"on_delay_seconds": -1}, ["on_delay_seconds"]),
        ({"scope": {"device_id": "meter"}}, ["scope"]),
        ({"condition": {"type": "surprise"}}, ["condition"]),
        (
            {"condition": {"type": "band", "metric": "ac_voltage_v", "low": 2, "high": 1}},
            ["condition"],
        ),
        (
            {"condition": {**RULE["condition"], "metric": "no_such_metric"}},
            ["condition", "threshold"],
        ),
        (
            {"condition": {"type": "expression", "expression": "battery_soc <"}, "message": "x"},
            ["condition", "expression"],
        ),
        (
            {"condition": {"type": "expression", "expression": "no_such_metric > 1"}, "message": "x"},
            ["condition", "expression"],
        ),
        (
            {"condition": {"type": "expression", "expression": "__import__('os')"}, "message": "x"},
            ["condition", "expression"],
        ),
    ],
)
async def test_a_draft_is_refused_with_field_and_reason(
    operator: httpx.AsyncClient, changes: dict[str, Any], where: list[str]
) -> None:
    await create(operator)
    for answer in (
        await operator.post("/api/rules", json={**RULE, **changes}),
        await operator.put("/api/rules/battery-low", json={**RULE, **changes, "version": 1}),
    ):
        assert answer.status_code == 422, answer.text
        [problem] = problems_of(answer)
        assert problem["field"] == ".".join(["body", *where])
        assert problem["message"]
    [rule] = await get(operator)
    assert rule["version"] == 1


@pytest.mark.parametrize(
    ("headers", "version", "where"),
    [
        ({}, None, ["body", "version"]),
        ({}, 0, ["body", "version"]),
        ({}, "one", ["body", "version"]),
        ({"If-Match": "*"}, None, ["header", "If-Match"]),
        ({"If-Match": "1"}, None, ["header", "If-Match"]),
        ({"If-Match": '"1", "2"'}, None, ["header", "If-Match"]),
        ({"If-Match": '"' + "1" * 40 + '"'}, None, ["header", "If-Match"]),
        ({"If-Match": '"1"'}, 2, ["body", "version"]),
    ],
)
async def test_a_change_says_which_version_it_means(
    operator: httpx.AsyncClient, headers: dict[str, str], version: int | str | None, where: list[str]
) -> None:
    await create(operator)
    body = RULE if version is None else {**RULE, "version": version}
    changed = await operator.put("/api/rules/battery-low", json=body, headers=headers)
    params = {} if version is None else {"version": version}
    deleted = await operator.delete("/api/rules/battery-low", params=params, headers=headers)
    for answer, part in ((changed, where[0]), (deleted, where[0].replace("body", "query"))):
        assert answer.status_code == 422
        assert fields_of(answer) == [f"{part}.{where[1]}"]


async def test_the_body_is_about_the_rule_of_the_address(operator: httpx.AsyncClient) -> None:
    await create(operator)
    answer = await operator.put("/api/rules/battery-low", json={**RULE, "rule_id": "other", "version": 1})
    assert (answer.status_code, fields_of(answer)[0]) == (422, "body.rule_id")


@pytest.mark.parametrize("rule_id", ["Battery", "-low", "x" * 65, "a b"])
async def test_what_cannot_be_the_id_of_a_rule_is_refused(operator: httpx.AsyncClient, rule_id: str) -> None:
    for path in (rule_id, f"{rule_id}/versions"):
        answer = await operator.get(f"/api/rules/{path}")
        assert (answer.status_code, fields_of(answer)[0]) == (422, "path.rule_id")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/battery-low"),
        ("GET", "/battery-low/versions"),
        ("POST", ""),
        ("PUT", "/battery-low"),
        ("DELETE", "/battery-low"),
    ],
)
async def test_a_stranger_neither_sees_nor_changes_rules(
    stranger: httpx.AsyncClient, rules: FakeRuleStore, method: str, path: str
) -> None:
    await rules.put(AlarmRuleDraft.model_validate(RULE), expected_version=None)
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        answer = await stranger.request(
            method, f"/api/rules{path}", headers={**headers, "If-Match": '"1"'}, json=RULE
        )
        assert answer.status_code == 401
    assert [rule.version for rule in (await rules.book()).rules] == [1]


async def test_a_store_that_is_away_is_a_503(operator: httpx.AsyncClient, rules: FakeRuleStore) -> None:
    await create(operator)
    for method, path in [
        ("GET", ""),
        ("GET", "/battery-low"),
        ("GET", "/battery-low/versions"),
        ("POST", ""),
        ("PUT", "/battery-low"),
        ("DELETE", "/battery-low"),
    ]:
        rules.fail_next(RetryableError("redis: refused", retry_after=timedelta(seconds=7)))
        answer = await operator.request(method, f"/api/rules{path}", json=RULE, headers={"If-Match": '"1"'})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
        assert detail_of(answer) == "The rule store is away."
