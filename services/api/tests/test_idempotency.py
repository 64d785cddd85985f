"""A write that is sent twice under one key is made once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from services.api.tests.people import PASSWORD, People, app_with, client_of
from services.api.tests.problems import detail_of, fields_of, problems_of
from services.api.tests.stopped_clock import Clock

from microgrid_api.app import create_app
from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_api.web import idempotency
from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.user import Role
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry
from microgrid_common.testing.fakes.idempotency_store import FakeIdempotencyStore
from microgrid_common.testing.fakes.rule_store import FakeRuleStore
from microgrid_common.testing.waiting import wait_until

RULE = {
    "rule_id": "battery-low",
    "name": "Battery low",
    "severity": "critical",
    "condition": {"type": "threshold", "metric": "battery_soc", "comparison": "<", "threshold": 20},
    "message": "Battery at {battery_soc:.1f} % on {device_id}.",
}
KEY = {"Idempotency-Key": "0f8fad5b-d9cb-469f-a165-70867728950e"}


async def post(client: httpx.AsyncClient, **changes: object) -> httpx.Response:
    return await client.post("/api/rules", json={**RULE, **changes}, headers=KEY)


def same(first: httpx.Response, second: httpx.Response) -> None:
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert (first.status_code, first.content) == (second.status_code, second.content)
    for name in ("content-type", "content-length", "location", "etag", "cache-control"):
        assert first.headers.get(name) == second.headers.get(name)
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_the_second_gets_the_answer_of_the_first(
    operator: httpx.AsyncClient, rules: FakeRuleStore
) -> None:
    first, second = await post(operator), await post(operator)
    assert first.status_code == 201
    same(first, second)
    assert len((await rules.book()).rules) == 1
    # Without a key it is another request.
    assert (await operator.post("/api/rules", json=RULE)).status_code == 409


async def test_so_it_is_with_changes_and_deletions(operator: httpx.AsyncClient) -> None:
    await post(operator)
    change = {**RULE, "name": "Battery very low", "version": 1}
    changed = [
        await operator.put("/api/rules/battery-low", json=change, headers={"Idempotency-Key": "2"})
        for _ in range(2)
    ]
    same(*changed)
    gone = [
        await operator.delete("/api/rules/battery-low?version=2", headers={"Idempotency-Key": "3"})
        for _ in range(2)
    ]
    same(*gone)
    assert gone[1].status_code == 200


async def test_a_refusal_is_told_again_too(operator: httpx.AsyncClient) -> None:
    first, second = await post(operator, severity="terrible"), await post(operator, severity="terrible")
    assert first.status_code == 422
    same(first, second)


async def test_a_key_is_for_one_request(operator: httpx.AsyncClient) -> None:
    await post(operator)
    path = "/api/rules/battery-low?version=1"
    await operator.delete(path, headers={"Idempotency-Key": "2", "If-Match": '"1"'})
    for answer in (
        await post(operator, name="Another"),
        await operator.post("/api/rules?x=1", json=RULE, headers=KEY),
        await operator.put("/api/rules/battery-low", json=RULE, headers=KEY),
        await operator.post("/api/alerts/alert-1/note", json={"text": "x"}, headers=KEY),
        await operator.delete(path, headers={"Idempotency-Key": "2", "If-Match": '"2"'}),
    ):
        [problem] = problems_of(answer)
        assert (problem["field"], problem["type"]) == ("header.Idempotency-Key", "key_reused")


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "ä", "a\tb"])
async def test_a_key_that_is_none_is_refused(
    operator: httpx.AsyncClient, rules: FakeRuleStore, key: str
) -> None:
    answer = await operator.post("/api/rules", json=RULE, headers={b"Idempotency-Key": key.encode()})
    assert fields_of(answer) == ["header.Idempotency-Key"]
    assert (await rules.book()).rules == ()


async def test_each_user_has_keys_of_their_own(ports: ApiPorts, idle_feed: LiveFeed, now: Clock) -> None:
    people = People(now)
    app = app_with(people, ports, idle_feed)
    answers = []
    for name in ("maria", "amara"):
        await people.make(name, {"*": Role.ADMIN})
        async with client_of(app, await people.token(name)) as client:
            answers.append(await post(client))
    assert [answer.status_code for answer in answers] == [201, 409]


async def test_the_answer_is_for_those_who_are_signed_in(
    operator: httpx.AsyncClient, answers: FakeIdempotencyStore
) -> None:
    await post(operator)
    for authorization in ("Bearer forged", "Basic dXNlcjpwYXNzd29yZA==", ""):
        operator.headers["Authorization"] = authorization
        answer = await post(operator)
        assert answer.status_code == 401
        assert "idempotency-replayed" not in answer.headers
    assert len(answers.answers) == 1


async def test_one_that_is_being_answered_is_not_begun_again(
    ports: ApiPorts, idle_feed: LiveFeed, operator: httpx.AsyncClient
) -> None:
    class SlowRegistry(FakeDeviceRegistry):
        asked = 0

        def __init__(self) -> None:
            super().__init__()
            self.go_on = asyncio.Event()

        async def put(self, devices: Sequence[Device]) -> list[Device | None]:
            self.asked += 1
            await self.go_on.wait()
            return await super().put(devices)

    registry = SlowRegistry()
    app = create_app(replace(ports, devices=registry), feed=idle_feed)
    async with client_of(app, "prototype_token") as client:
        client.base_url = httpx.URL("http://127.0.0.1")

        async def register() -> httpx.Response:
            return await client.put("/api/device/village-1/meter-1", json={"type": "meter"}, headers=KEY)

        first = asyncio.create_task(register())
        await wait_until(lambda: registry.asked == 1, timeout=5, description="the first to be under way")
        early = await register()
        assert (early.status_code, early.headers["retry-after"]) == (409, "1")
        assert "right now" in detail_of(early)
        registry.go_on.set()
        same(await first, await register())
    assert registry.asked == 1


async def test_what_failed_on_this_side_is_tried_again(
    operator: httpx.AsyncClient, rules: FakeRuleStore, answers: FakeIdempotencyStore
) -> None:
    rules.fail_next(RetryableError("away"))
    assert (await post(operator)).status_code == 503
    assert answers.answers == {}
    rules.fail_next(ZeroDivisionError("a fault"))
    assert (await post(operator)).status_code == 500
    assert answers.answers == {}
    assert (await post(operator)).status_code == 201


async def test_nothing_is_done_while_nobody_can_say_whether_it_was_done_before(
    operator: httpx.AsyncClient, rules: FakeRuleStore, answers: FakeIdempotencyStore
) -> None:
    answers.fail_next(RetryableError("away"))
    answer = await post(operator)
    assert (answer.status_code, detail_of(answer)) == (503, "The store of the answers is away.")
    assert answer.headers["retry-after"]
    assert (await rules.book()).rules == ()


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same(
    operator: httpx.AsyncClient, answers: FakeIdempotencyStore
) -> None:
    answers.fail_next(RetryableError("away"), after=1)
    assert (await post(operator)).status_code == 201
    # Until the key is free again: what was done is not done twice.
    assert (await post(operator)).status_code == 409


async def test_too_long_an_answer_is_not_kept(
    operator: httpx.AsyncClient, answers: FakeIdempotencyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "LARGEST_ANSWER", 10)
    assert (await post(operator)).status_code == 201
    assert answers.answers == {}


async def test_neither_tokens_nor_passwords_are_kept(
    ports: ApiPorts, idle_feed: LiveFeed, now: Clock, answers: FakeIdempotencyStore
) -> None:
    people = People(now)
    await people.make("maria", {"*": Role.ADMIN})
    async with client_of(app_with(people, ports, idle_feed), await people.token("maria")) as client:
        credentials = {"username": "maria", "password": PASSWORD}
        first, second = [
            await client.post("/api/auth/login", json=credentials, headers=KEY) for _ in range(2)
        ]
        assert first.json()["access_token"] != second.json()["access_token"]
        await client.put("/api/users/maria/password", json={"password": "a longer one"}, headers=KEY)
        assert answers.answers == {}


async def test_what_was_asked_is_not_told_by_what_is_kept(
    operator: httpx.AsyncClient, answers: FakeIdempotencyStore
) -> None:
    await operator.post("/api/alerts/alert-1/note", json={"text": "secret-text"}, headers=KEY)
    kept = str(answers.answers)
    assert "secret-text" not in kept
    assert KEY["Idempotency-Key"] not in kept


async def test_commands_keep_their_keys_themselves(
    operator: httpx.AsyncClient, answers: FakeIdempotencyStore
) -> None:
    await operator.post("/api/device/inverter-1/command", json={"command": "restart"}, headers=KEY)
    assert answers.answers == {}


async def test_reading_needs_no_key(operator: httpx.AsyncClient, answers: FakeIdempotencyStore) -> None:
    assert (await operator.get("/api/rules", headers=KEY)).status_code == 200
    assert answers.answers == {}


async def test_a_body_that_is_too_large_is_refused_before_it_is_looked_at(
    app: FastAPI, operator: httpx.AsyncClient, answers: FakeIdempotencyStore
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1024

    answer = await operator.post("/api/rules", content=endless(), headers=KEY)
    assert (answer.status_code, detail_of(answer)) == (413, "The body is larger than 64 KiB.")
    assert answers.answers == {}
