"""Whom alarms are told, over HTTP: the settings without their secrets, and the push tokens of a user."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from services.api.tests.problems import detail_of, fields_of, problems_of

from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.push_tokens import PushPlatform, PushToken
from microgrid_common.testing.fakes.notification_settings import FakeNotificationSettings
from microgrid_common.testing.fakes.push_tokens import FakePushTokens
from microgrid_common.testing.samples import SAMPLE_TIME

SETTINGS_PATH = "/api/notifications/settings"
TOKENS_PATH = "/api/notifications/push-tokens"
HIDDEN = "**********"
SECRET_URL = "ntfys://user:secret-text@ntfy.example/village"
TOKEN = "dpNx3v0QSa2:APA91bF/+=%"
ROUTE: dict[str, Any] = {"route_id": "all", "targets": [{"channel_id": "ntfy"}]}
CHANGED_MEANWHILE = "Somebody has changed the settings meanwhile: look at them again."


def channel(**changes: Any) -> dict[str, Any]:
    return {"kind": "apprise", "channel_id": "ntfy", "url": SECRET_URL, **changes}


def settings(*channels: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"channels": list(channels), "routes": [ROUTE], **others}


async def put(client: httpx.AsyncClient, version: int | None, whole: Any, **headers: str) -> httpx.Response:
    body = {"settings": whole} if version is None else {"settings": whole, "version": version}
    return await client.put(SETTINGS_PATH, json=body, headers=headers)


async def shown(client: httpx.AsyncClient) -> Any:
    answer = await client.get(SETTINGS_PATH)
    assert answer.status_code == 200
    assert answer.headers["ETag"] == f'"{answer.json()["version"]}"'
    return answer.json()


async def test_at_first_nobody_is_told_anything(operator: httpx.AsyncClient) -> None:
    assert await shown(operator) == {
        "version": 0,
        "settings": {"channels": [], "schedules": [], "routes": []},
    }


async def test_secrets_are_kept_and_never_shown(
    operator: httpx.AsyncClient, notification_settings: FakeNotificationSettings
) -> None:
    answer = await put(operator, 0, settings(channel()))
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    again = await operator.get(SETTINGS_PATH)
    for text in (answer.text, again.text):
        assert "secret-text" not in text
    assert again.json()["settings"]["channels"][0]["url"] == HIDDEN
    assert SECRET_URL in notification_settings.stored.settings.to_json_with_secrets()


async def test_what_was_shown_can_be_edited_and_sent_back(
    operator: httpx.AsyncClient, notification_settings: FakeNotificationSettings
) -> None:
    await put(operator, 0, settings(channel()))
    edited = (await shown(operator))["settings"]
    edited["routes"][0]["minimum_severity"] = "critical"
    answer = await put(operator, None, edited, **{"If-Match": '"1"'})
    assert answer.json() == {"version": 2, "settings": edited}
    assert SECRET_URL in notification_settings.stored.settings.to_json_with_secrets()


async def test_of_two_who_change_them_the_second_looks_again(operator: httpx.AsyncClient) -> None:
    await put(operator, 0, settings(channel()))
    late = await put(operator, 0, settings(channel(enabled=False)))
    assert (late.status_code, detail_of(late)) == (409, CHANGED_MEANWHILE)
    assert (await shown(operator))["version"] == 1


async def test_somebody_may_be_faster_between_reading_and_writing(
    operator: httpx.AsyncClient,
    notification_settings: FakeNotificationSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = notification_settings.stored
    await put(operator, 0, settings(channel()))

    async def as_before() -> Any:
        return before

    monkeypatch.setattr(notification_settings, "get", as_before)
    late = await put(operator, 0, settings(channel()))
    assert (late.status_code, detail_of(late)) == (409, CHANGED_MEANWHILE)


@pytest.mark.parametrize(
    ("whole", "where"),
    [
        (settings(channel(url=HIDDEN)), ["channels"]),
        (settings(channel(url="secret-text")), ["channels", "0", "url"]),
        (settings(channel(url="ntfys://secret-text" + "x" * 2_000)), ["channels", "0", "url"]),
        (settings(channel(kind="webhook")), ["channels", "0", "url"]),
        (settings(channel(kind="pigeon")), ["channels", "0"]),
        (settings(channel(messages=0)), ["channels", "0", "messages"]),
        (settings(channel(), channel()), ["channels"]),
        (settings(), []),
        (settings(channel(), surprise=1), ["surprise"]),
        (
            settings(channel(), routes=[{**ROUTE, "quiet_hours": {"time_zone": "../etc", "ranges": [{}]}}]),
            ["routes", "0", "quiet_hours", "time_zone"],
        ),
    ],
)
async def test_settings_that_cannot_be_are_refused_without_repeating_a_secret(
    operator: httpx.AsyncClient, whole: dict[str, Any], where: list[str]
) -> None:
    answer = await put(operator, 0, whole)
    assert answer.status_code == 422
    assert fields_of(answer)[0] == ".".join(["body", "settings", *where])
    assert "secret-text" not in answer.text
    assert (await shown(operator))["version"] == 0


async def test_what_does_not_fit_the_hidden_secret_is_refused(operator: httpx.AsyncClient) -> None:
    await put(operator, 0, settings(channel()))
    target = {"channel_id": "ntfy", "recipients": ["+254700000000"]}
    answer = await put(operator, 1, settings(channel(url=HIDDEN), routes=[{**ROUTE, "targets": [target]}]))
    assert answer.status_code == 422
    [problem] = problems_of(answer)
    assert problem["field"] == "body.settings.channels"
    assert "the URL of channel ntfy has no place" in problem["message"]
    assert (await shown(operator))["version"] == 1


async def test_a_change_says_which_version_it_means(operator: httpx.AsyncClient) -> None:
    for version, headers, where in [
        (None, {}, ["body", "version"]),
        (-1, {}, ["body", "version"]),
        (0, {"If-Match": '"1"'}, ["body", "version"]),
        (None, {"If-Match": "*"}, ["header", "If-Match"]),
    ]:
        answer = await put(operator, version, settings(channel()), **headers)
        assert answer.status_code == 422
        assert fields_of(answer) == [".".join(where)]


async def test_a_token_is_registered_for_who_signed_in_and_forgotten_again(
    operator: httpx.AsyncClient, push_tokens: FakePushTokens
) -> None:
    order = {"token": TOKEN, "platform": "android"}
    for _ in range(2):
        answer = await operator.post(TOKENS_PATH, json=order)
        assert (answer.status_code, answer.json()) == (
            200,
            {**order, "user": "user", "registered_at": "2026-11-23T10:00:00.000Z"},
        )
    [token] = push_tokens.tokens.values()
    assert (token.token, token.user, token.platform) == (TOKEN, "user", PushPlatform.ANDROID)

    path = f"{TOKENS_PATH}/{quote(TOKEN, safe='')}"
    answer = await operator.delete(path)
    assert (answer.status_code, answer.json()) == (200, {"token": TOKEN})
    assert push_tokens.tokens == {}
    answer = await operator.delete(path)
    assert (answer.status_code, detail_of(answer)) == (404, "You have no such push token.")


async def test_a_token_of_another_user_is_not_there(
    operator: httpx.AsyncClient, push_tokens: FakePushTokens
) -> None:
    theirs = PushToken("theirs", "amina", PushPlatform.IOS, "login-1", SAMPLE_TIME)
    await push_tokens.register(theirs)
    assert (await operator.delete(f"{TOKENS_PATH}/theirs")).status_code == 404
    assert list(push_tokens.tokens.values()) == [theirs]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"token": "", "platform": "ios"}, "token"),
        ({"token": "a b", "platform": "ios"}, "token"),
        ({"token": "ü", "platform": "ios"}, "token"),
        ({"token": "a\x7f", "platform": "ios"}, "token"),
        ({"token": "x" * 4_097, "platform": "ios"}, "token"),
        ({"token": "x", "platform": "symbian"}, "platform"),
        ({"token": "x"}, "platform"),
        ({"token": "x", "platform": "ios", "user": "amina"}, "user"),
    ],
)
async def test_what_cannot_be_a_token_is_refused(
    operator: httpx.AsyncClient, push_tokens: FakePushTokens, body: dict[str, str], where: str
) -> None:
    answer = await operator.post(TOKENS_PATH, json=body)
    assert answer.status_code == 422
    assert fields_of(answer) == [f"body.{where}"]
    assert push_tokens.tokens == {}
    if where == "token" and body["token"]:
        answer = await operator.delete(f"{TOKENS_PATH}/{quote(body['token'], safe='')}")
        assert (answer.status_code, fields_of(answer)[0]) == (422, "path.token")


CALLS: list[tuple[str, str, Any]] = [
    ("GET", SETTINGS_PATH, None),
    ("PUT", SETTINGS_PATH, {"version": 0, "settings": {}}),
    ("POST", TOKENS_PATH, {"token": "x", "platform": "ios"}),
    ("DELETE", f"{TOKENS_PATH}/x", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
async def test_a_stranger_gets_nothing(
    stranger: httpx.AsyncClient, method: str, path: str, body: Any
) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        answer = await stranger.request(method, path, json=body, headers=headers)
        assert answer.status_code == 401


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
async def test_a_store_that_is_away_is_a_503(
    operator: httpx.AsyncClient,
    notification_settings: FakeNotificationSettings,
    push_tokens: FakePushTokens,
    *,
    method: str,
    path: str,
    body: Any,
) -> None:
    for store in (notification_settings, push_tokens):
        store.fail_next(RetryableError("redis: refused", retry_after=timedelta(seconds=7)))
    answer = await operator.request(method, path, json=body)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert detail_of(answer).endswith(" is away.")
