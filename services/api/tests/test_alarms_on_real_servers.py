"""Alerts, rules, maintenance windows and notification settings over HTTP, on a real Redis."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from services.api.tests.problems import detail_of

from microgrid_api.app import create_app
from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_api.settings import ApiSettings
from microgrid_api.wiring import build
from microgrid_common.runtime.alarm_desk import PlatformAlarms
from microgrid_common.schemas.alert import Severity, Shelving
from microgrid_common.testing.samples import SAMPLE_TIME, put_alerts, sample_record
from microgrid_common.testing.servers import Redis

pytestmark = pytest.mark.integration

MINUTE = timedelta(minutes=1)
RULE: dict[str, Any] = {
    "rule_id": "battery-low",
    "name": "Battery low",
    "condition": {"type": "threshold", "metric": "battery_soc", "comparison": "<", "threshold": 20},
    "severity": "warning",
    "message": "Battery at {battery_soc:.1f} % on {device_id}.",
}
WORK = {"start": "2026-11-23T08:00:00Z", "end": "2026-11-23T12:00:00Z", "reason": "The fan is replaced."}
SETTINGS: dict[str, Any] = {
    "channels": [{"kind": "webhook", "channel_id": "hook", "url": "https://hook.example/secret-text"}],
    "routes": [{"route_id": "all", "targets": [{"channel_id": "hook"}]}],
}


@pytest.fixture
async def ports(redis_url: str, tmp_path: Path) -> AsyncIterator[ApiPorts]:
    async with build(ApiSettings(redis_url=redis_url, telemetry_store="sqlite", data_dir=tmp_path)) as built:
        yield built


@pytest.fixture
async def client(ports: ApiPorts) -> AsyncIterator[httpx.AsyncClient]:
    feed = LiveFeed(log=ports.log, telemetry=ports.telemetry, stream_shards=4)
    transport = httpx.ASGITransport(app=create_app(ports, feed=feed, now=lambda: SAMPLE_TIME))
    headers = {"Authorization": "Bearer prototype_token"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1", headers=headers
    ) as signed_in:
        yield signed_in


async def get(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_alerts_are_found_page_by_page_and_shown(client: httpx.AsyncClient, ports: ApiPorts) -> None:
    shelved = Shelving(at=SAMPLE_TIME, by="user", until=SAMPLE_TIME + MINUTE, reason="test")
    await put_alerts(
        ports.states,
        sample_record(grid_id="town"),
        *(sample_record(SAMPLE_TIME + n * MINUTE, grid_id="village", number=n) for n in range(1, 6)),
        sample_record(grid_id="village", number=6, shelved=shelved),
        sample_record(grid_id="village", number=7, cleared_at=SAMPLE_TIME + MINUTE),
        sample_record(grid_id="village", number=8, severity=Severity.CRITICAL),
    )
    first = await get(client, "/api/alerts/village", status="active", severity="warning", limit=3)
    second = await get(
        client,
        "/api/alerts/village",
        status="active",
        severity="warning",
        limit=3,
        cursor=first["next_cursor"],
    )
    numbers = [alert["id"].rpartition("-")[2] for alert in first["alerts"] + second["alerts"]]
    assert (numbers, second["next_cursor"]) == (["5", "4", "3", "2", "1"], None)
    narrowed: list[tuple[dict[str, Any], str]] = [
        ({"put_aside": True}, "alert-village-6"),
        ({"status": "resolved"}, "alert-village-7"),
        ({"severity": "critical"}, "alert-village-8"),
    ]
    for params, expected in narrowed:
        [alert] = (await get(client, "/api/alerts/village", **params))["alerts"]
        assert alert["id"] == expected
    assert (await get(client, "/api/alerts/village/alert-village-6"))["shelved"]["reason"] == "test"
    assert (await client.get("/api/alerts/town/alert-village-6")).status_code == 404


async def test_what_operators_do_is_stored_and_told(client: httpx.AsyncClient, ports: ApiPorts) -> None:
    alert_id = await raised_alert(client, ports)
    action, shown_at = f"/api/alerts/{alert_id}", f"/api/alerts/platform/{alert_id}"
    await client.put(f"{action}/acknowledge", json={"note": "I go there."})
    answer = await client.post(f"{action}/shelve", json={"minutes": 60, "reason": "A new disk comes."})
    assert answer.status_code == 200, answer.text
    shown = await get(client, shown_at)
    assert shown == answer.json()
    assert (shown["state"], shown["acknowledged"]["by"]) == ("shelved", "user")
    assert [note["text"] for note in shown["notes"]] == ["I go there."]
    assert (await get(client, "/api/alerts/platform", status="active"))["alerts"] == []
    assert (await get(client, "/api/alerts/platform", put_aside=True))["alerts"][0]["id"] == alert_id
    assert (await client.post(f"{action}/unshelve")).json()["state"] == "acknowledged"
    refused = await client.post(f"{action}/clear")
    assert (refused.status_code, "still holds" in detail_of(refused)) == (409, True)
    assert await get(client, shown_at) == {**shown, "state": "acknowledged", "shelved": None}
    assert (await client.put("/api/alerts/alert-village-1/acknowledge")).status_code == 404


async def test_of_many_who_act_at_once_nobody_is_lost(client: httpx.AsyncClient, ports: ApiPorts) -> None:
    alert_id = await raised_alert(client, ports)
    path = f"/api/alerts/{alert_id}"
    answers = await asyncio.gather(
        *(client.post(f"{path}/note", json={"text": f"note {number}"}) for number in range(8)),
        *(client.put(f"{path}/acknowledge") for _ in range(4)),
    )
    assert {answer.status_code for answer in answers} == {200}
    alert = await get(client, f"/api/alerts/platform/{alert_id}")
    assert alert["state"] == "acknowledged"
    assert sorted(note["text"] for note in alert["notes"]) == [f"note {number}" for number in range(8)]


async def raised_alert(client: httpx.AsyncClient, ports: ApiPorts) -> str:
    """The id of an alert of the platform: its storage is filling up."""
    await PlatformAlarms(ports.states).raise_alert(
        "storage", "platform:storage", severity=Severity.WARNING, message="Storage is filling", at=SAMPLE_TIME
    )
    [alert] = (await get(client, "/api/alerts/platform", status="active"))["alerts"]
    return str(alert["id"])


async def test_of_many_who_change_a_rule_at_once_one_does(client: httpx.AsyncClient) -> None:
    made = await client.post("/api/rules", json=RULE)
    assert made.status_code == 201, made.text
    changed = await asyncio.gather(
        *(
            client.put("/api/rules/battery-low", json={**RULE, "name": f"of {number}", "version": 1})
            for number in range(10)
        )
    )
    assert Counter(answer.status_code for answer in changed) == {200: 1, 409: 9}
    [winner] = [answer.json() for answer in changed if answer.status_code == 200]
    assert await get(client, "/api/rules") == [winner]
    assert await get(client, "/api/rules/battery-low/versions") == [winner, made.json()]
    assert (await client.delete("/api/rules/battery-low", headers={"If-Match": '"2"'})).json() == winner
    assert await get(client, "/api/rules") == []


async def test_work_is_planned_and_cancelled(client: httpx.AsyncClient) -> None:
    planned = await client.put("/api/maintenance/village/fan", json=WORK)
    assert planned.status_code == 200, planned.text
    assert await get(client, "/api/maintenance/village") == [planned.json()]
    assert (await client.delete("/api/maintenance/village/fan")).json() == planned.json()
    assert await get(client, "/api/maintenance/village") == []


async def test_notification_settings_keep_their_secret(client: httpx.AsyncClient, ports: ApiPorts) -> None:
    path = "/api/notifications/settings"
    first = await client.put(path, json={"version": 0, "settings": SETTINGS})
    assert (first.status_code, "secret-text" in first.text) == (200, False)
    again = await client.put(path, json=await get(client, path))
    assert (again.status_code, again.json()["version"]) == (200, 2)
    stored = (await ports.notification_settings.get()).settings
    assert "secret-text" in stored.to_json_with_secrets()


async def test_a_push_token_is_registered_and_removed(client: httpx.AsyncClient, ports: ApiPorts) -> None:
    path = "/api/notifications/push-tokens"
    answer = await client.post(path, json={"token": "a:b/c", "platform": "android"})
    assert answer.status_code == 200, answer.text
    assert [token.token for token in await ports.push_tokens.of_user("user")] == ["a:b/c"]
    assert (await client.delete(f"{path}/a:b/c")).status_code == 200
    assert (await client.delete(f"{path}/a:b/c")).status_code == 404


CALLS: list[tuple[str, str, Any]] = [
    ("GET", "/api/alerts/village", None),
    ("GET", "/api/alerts/village/alert-village-1", None),
    ("PUT", "/api/alerts/alert-village-1/acknowledge", None),
    ("POST", "/api/alerts/alert-village-1/shelve", {"minutes": 60, "reason": "test"}),
    ("GET", "/api/rules", None),
    ("POST", "/api/rules", RULE),
    ("PUT", "/api/rules/battery-low", {**RULE, "version": 1}),
    ("DELETE", "/api/rules/battery-low?version=1", None),
    ("PUT", "/api/maintenance/village/fan", WORK),
    ("DELETE", "/api/maintenance/village/fan", None),
    ("GET", "/api/notifications/settings", None),
    ("PUT", "/api/notifications/settings", {"version": 0, "settings": SETTINGS}),
    ("POST", "/api/notifications/push-tokens", {"token": "x", "platform": "ios"}),
    ("DELETE", "/api/notifications/push-tokens/x", None),
]


async def test_without_redis_everything_asks_to_come_back_later(
    client: httpx.AsyncClient, redis_server: Redis
) -> None:
    await asyncio.to_thread(redis_server.stop)
    try:
        for method, path, body in CALLS:
            answer = await client.request(method, path, json=body)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2"), path
            assert detail_of(answer).endswith(" is away.")
    finally:
        await asyncio.to_thread(redis_server.start)
