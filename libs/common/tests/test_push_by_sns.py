"""Push messages through Amazon SNS, against a server on this machine that answers as SNS does."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from botocore.config import Config
from botocore.session import Session, get_session

from microgrid_common.adapters.aws import sns
from microgrid_common.adapters.aws.sns import SnsNotificationChannel
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.notification_channel import NotificationMessage, UncertainDeliveryError
from microgrid_common.ports.push_tokens import PushPlatform, PushToken
from microgrid_common.schemas.alert import Severity
from microgrid_common.testing.fakes.push_tokens import FakePushTokens
from microgrid_common.testing.http_sink import HttpSink, http_sink
from microgrid_common.testing.samples import SAMPLE_TIME
from microgrid_common.testing.waiting import free_port

APPLICATIONS = {
    PushPlatform.ANDROID: "arn:aws:sns:eu-west-1:123456789012:app/GCM/village",
    PushPlatform.IOS: "arn:aws:sns:eu-west-1:123456789012:app/APNS/village",
}
ENDPOINT = "arn:aws:sns:eu-west-1:123456789012:endpoint/GCM/village/1"
MESSAGE = NotificationMessage(
    message_id="0123456789abcdef",
    replaces="alert-7",
    title="CRITICAL: Battery is low",
    body="Battery is low",
    severity=Severity.CRITICAL,
    alert_ids=("alert-7",),
)


def answer(error: str = "") -> str:
    """What SNS answers to both actions; the status says which part of it counts."""
    return (
        "<Response><CreatePlatformEndpointResult>"
        f"<EndpointArn>{ENDPOINT}</EndpointArn></CreatePlatformEndpointResult>"
        "<PublishResult><MessageId>1</MessageId></PublishResult>"
        f"<Error><Type>Sender</Type><Code>{error}</Code><Message>-</Message></Error></Response>"
    )


@pytest.fixture
async def sink() -> AsyncIterator[HttpSink]:
    async with http_sink() as server:
        server.bodies["/"] = answer()
        yield server


@pytest.fixture
async def tokens() -> FakePushTokens:
    tokens = FakePushTokens()
    for name, user, platform in [
        ("phone", "maria", PushPlatform.ANDROID),
        ("tablet", "maria", PushPlatform.IOS),
        ("browser", "jonas", PushPlatform.WEB),
    ]:
        await tokens.register(PushToken(name, user, platform, "login-1", SAMPLE_TIME))
    return tokens


@pytest.fixture(scope="module")
def aws() -> Session:
    """One that has read the description of SNS, which takes longer than a test."""
    return get_session()


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, aws: Session) -> None:
    monkeypatch.setattr("botocore.session.get_session", lambda: aws)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")


def forms(sink: HttpSink) -> list[dict[str, Any]]:
    return [
        {name: value for name, [value] in parse_qs(request.body.decode()).items()}
        for request in sink.requests
    ]


async def test_it_reaches_all_phones_of_a_user(sink: HttpSink, tokens: FakePushTokens) -> None:
    await SnsNotificationChannel(APPLICATIONS, tokens, url=sink.url).send(MESSAGE, "maria")
    created, published, _, for_apple = forms(sink)
    assert (created["Action"], created["Token"]) == ("CreatePlatformEndpoint", "phone")
    assert created["PlatformApplicationArn"] == APPLICATIONS[PushPlatform.ANDROID]
    assert (published["Action"], published["TargetArn"]) == ("Publish", ENDPOINT)
    document = json.loads(published["Message"])
    android = json.loads(document["GCM"])["fcmV1Message"]["message"]
    assert android["notification"]["title"] == MESSAGE.title
    assert android["android"]["collapse_key"] == "alert-7"
    apple = json.loads(document["APNS"])
    assert apple["aps"]["alert"]["title"] == MESSAGE.title
    assert (apple["aps"]["sound"], apple["alert_ids"]) == ("default", "alert-7")
    assert "alert-7" in for_apple.values()
    assert all("eu-west-1/sns" in request.headers["Authorization"] for request in sink.requests)


@pytest.mark.parametrize("code", ["EndpointDisabled", "NotFound"])
async def test_a_phone_that_is_gone_is_forgotten(sink: HttpSink, tokens: FakePushTokens, code: str) -> None:
    sink.bodies["/"] = answer(code)
    sink.answer_next(200)
    sink.answer_next(400)
    await SnsNotificationChannel(APPLICATIONS, tokens, url=sink.url).send(MESSAGE, "maria")
    assert sorted(tokens.tokens) == ["browser", "tablet"]


@pytest.mark.parametrize(
    ("status", "code", "problem"),
    [
        (400, "Throttling", RetryableError),
        (503, "ServiceUnavailable", RetryableError),
        (403, "AuthorizationError", PermanentError),
        (400, "InvalidParameter", PermanentError),
    ],
)
async def test_what_sns_says_decides_about_another_try(
    sink: HttpSink, tokens: FakePushTokens, status: int, code: str, problem: type[Exception]
) -> None:
    sink.bodies["/"] = answer(code)
    sink.answer_next(status, times=4)
    with pytest.raises(problem, match=code):
        await SnsNotificationChannel(APPLICATIONS, tokens, url=sink.url).send(MESSAGE, "maria")


async def test_without_an_answer_a_message_may_have_been_taken(
    sink: HttpSink, tokens: FakePushTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    del tokens.tokens["tablet"]
    impatient = Config(read_timeout=0.2, retries={"total_max_attempts": 1})
    monkeypatch.setattr(sns, "_CONFIG", impatient)
    channel = SnsNotificationChannel(APPLICATIONS, tokens, url=sink.url)
    sink.hanging = True
    with pytest.raises(RetryableError):
        await channel.send(MESSAGE, "maria")
    monkeypatch.setattr(sns, "_CONFIG", Config(read_timeout=1, retries={"total_max_attempts": 1}))
    channel = SnsNotificationChannel(APPLICATIONS, tokens, url=sink.url)
    sink.hanging = False
    sink.hang_on = b"Action=Publish"
    with pytest.raises(UncertainDeliveryError):
        await channel.send(MESSAGE, "maria")


async def test_sns_that_is_not_there_is_tried_again(tokens: FakePushTokens) -> None:
    channel = SnsNotificationChannel(APPLICATIONS, tokens, url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(RetryableError):
        await channel.send(MESSAGE, "maria")


async def test_a_platform_without_an_application_cannot_be_reached(tokens: FakePushTokens) -> None:
    with pytest.raises(PermanentError, match="web"):
        await SnsNotificationChannel(APPLICATIONS, tokens).send(MESSAGE, "jonas")
