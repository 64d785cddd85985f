"""Each channel against a real server on this machine: one that takes, refuses, hangs, or is not there."""

import asyncio
import json
import logging
import smtplib
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from email.parser import BytesParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import ClientTimeout
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from joserfc import jwt
from joserfc.jwk import RSAKey

from microgrid_common.adapters.apprise.channel import AppriseNotificationChannel
from microgrid_common.adapters.push.fcm import FcmNotificationChannel, ServiceAccount, read_service_account
from microgrid_common.adapters.webhook.channel import WebhookNotificationChannel
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.notification_channel import (
    NotificationChannel,
    NotificationMessage,
    UncertainDeliveryError,
)
from microgrid_common.ports.push_tokens import PushPlatform, PushToken
from microgrid_common.schemas.alert import Severity
from microgrid_common.testing.fakes.push_tokens import FakePushTokens
from microgrid_common.testing.http_sink import HttpSink, http_sink
from microgrid_common.testing.samples import SAMPLE_TIME
from microgrid_common.testing.waiting import free_port

MESSAGE = NotificationMessage(
    message_id="0123456789abcdef",
    replaces="alert-7",
    title="CRITICAL: Battery is low",
    body="Battery is low <b>now</b>\nvillage-1/battery-1",
    severity=Severity.CRITICAL,
    alert_ids=("alert-7",),
)
SECRET = "s3cret"


@pytest.fixture
async def sink() -> AsyncIterator[HttpSink]:
    async with http_sink() as server:
        yield server


@pytest.fixture
def hang(sink: HttpSink, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lets the server answer nothing more; only from then on is anybody impatient."""

    def hang() -> None:
        sink.hanging = True
        for module in ("webhook.channel", "push.fcm"):
            monkeypatch.setattr(
                f"microgrid_common.adapters.{module}.ANSWER_TIMEOUT", ClientTimeout(total=0.2)
            )

    return hang


def webhook(sink: HttpSink) -> NotificationChannel:
    return WebhookNotificationChannel(f"{sink.url}/{SECRET}")


def json_by_apprise(sink: HttpSink) -> NotificationChannel:
    address = sink.url.removeprefix("http://")
    patience = 0.2 if sink.hanging else 30
    return AppriseNotificationChannel(f"json://user:{SECRET}@{address}/?rto={patience}&cto=30")


@pytest.mark.parametrize("make", [webhook, json_by_apprise])
class TestOverHttp:
    async def test_it_is_taken(self, sink: HttpSink, make: Any) -> None:
        await make(sink).send(MESSAGE, "")
        [request] = sink.requests
        assert MESSAGE.title in request.body.decode()

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
    async def test_a_refusal_is_for_good(self, sink: HttpSink, make: Any, status: int) -> None:
        sink.answer_next(status)
        with pytest.raises(PermanentError, match=str(status)) as refusal:
            await make(sink).send(MESSAGE, "")
        assert SECRET not in str(refusal.value)
        assert len(sink.requests) == 1

    @pytest.mark.parametrize("status", [429, 500, 502, 503])
    async def test_a_busy_server_is_tried_again(self, sink: HttpSink, make: Any, status: int) -> None:
        sink.answer_next(status)
        with pytest.raises(RetryableError):
            await make(sink).send(MESSAGE, "")
        await make(sink).send(MESSAGE, "")

    async def test_a_server_that_hangs_may_have_taken_it(
        self, sink: HttpSink, make: Any, hang: Callable[[], None]
    ) -> None:
        hang()
        with pytest.raises(UncertainDeliveryError) as doubt:
            await make(sink).send(MESSAGE, "")
        assert SECRET not in str(doubt.value)

    async def test_a_server_that_is_not_there_has_not(self, make: Any) -> None:
        with pytest.raises(RetryableError) as problem:
            await make(HttpSink(f"http://127.0.0.1:{free_port()}")).send(MESSAGE, "")
        assert SECRET not in str(problem.value)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", timedelta(seconds=7)),
        ("0", timedelta()),
        ("1e300", timedelta(hours=1)),
        ("nan", None),
        ("-1", None),
        ("soon", None),
        ("Fri, 31 Dec 2100 23:59:59 GMT", timedelta(hours=1)),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None),
    ],
)
async def test_a_webhook_says_when_to_come_again(sink: HttpSink, header: str, wait: timedelta | None) -> None:
    sink.answer_next(429, Retry_After=header)
    with pytest.raises(RetryableError) as busy:
        await webhook(sink).send(MESSAGE, "")
    assert busy.value.retry_after == wait


async def test_a_webhook_gets_a_document_and_can_tell_a_repetition(sink: HttpSink) -> None:
    channel = WebhookNotificationChannel(f"{sink.url}/for/{{recipient}}")
    for _ in range(2):
        await channel.send(MESSAGE, "a/b@example.org")
    first, second = sink.requests
    assert first.path == "/for/a/b@example.org"
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] == MESSAGE.message_id
    assert json.loads(first.body) == {
        "message_id": MESSAGE.message_id,
        "severity": "critical",
        "title": MESSAGE.title,
        "body": MESSAGE.body,
        "alert_ids": ["alert-7"],
        "recipient": "a/b@example.org",
    }


async def test_a_webhook_follows_nobody_elsewhere(sink: HttpSink) -> None:
    sink.answer_next(302, Location=f"{sink.url}/elsewhere")
    with pytest.raises(PermanentError, match="302"):
        await webhook(sink).send(MESSAGE, "")
    assert len(sink.requests) == 1


async def test_ntfy_gets_title_and_text(sink: HttpSink) -> None:
    address = sink.url.removeprefix("http://")
    await AppriseNotificationChannel(f"ntfy://{address}/{{recipient}}").send(MESSAGE, "village-1")
    [request] = sink.requests
    document = json.loads(request.body)
    assert (document["topic"], document["title"]) == ("village-1", MESSAGE.title)
    assert "<b>now</b>" in document["message"]


@pytest.mark.parametrize("url", ["nonsense://nowhere", "mailto://", "json://"])
def test_a_url_that_no_service_has_is_refused_without_telling_it(url: str) -> None:
    with pytest.raises(PermanentError) as refusal:
        AppriseNotificationChannel(f"{url}/{SECRET}" if "nonsense" in url else url)
    assert SECRET not in str(refusal.value)


async def test_nothing_of_apprise_reaches_our_log(sink: HttpSink) -> None:
    logged: list[str] = []
    root = logging.getLogger()
    handler = logging.Handler()
    handler.emit = lambda record: logged.append(record.name)  # type: ignore[method-assign]
    sink.answer_next(401)
    root.addHandler(handler)
    try:
        with pytest.raises(PermanentError):
            await json_by_apprise(sink).send(MESSAGE, "")
        logging.getLogger("another").warning("heard")
    finally:
        root.removeHandler(handler)
    assert "apprise" not in logged
    assert "another" in logged


async def test_a_thread_that_hangs_keeps_its_own_channel_busy_and_no_other(sink: HttpSink) -> None:
    sink.hanging = True
    slow = AppriseNotificationChannel(f"{sink.url.replace('http', 'json')}/?rto=5")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await slow.send(MESSAGE, "")
    with pytest.raises(RetryableError, match="still on its way"):
        await slow.send(MESSAGE, "")
    sink.hanging = False
    for _ in range(3):
        await json_by_apprise(sink).send(MESSAGE, "")


class Mailbox:
    """What an SMTP server does with a message."""

    def __init__(self) -> None:
        self.messages = [BytesParser().parsebytes(b"")][:0]
        self.recipients: list[list[str]] = []
        self.answer = "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        if self.answer.startswith("2"):
            self.messages.append(BytesParser().parsebytes(envelope.content))
            self.recipients.append(envelope.rcpt_tos)
        return self.answer


class TestMail:
    @pytest.fixture
    def mailbox(self) -> Mailbox:
        return Mailbox()

    @pytest.fixture
    def server(self, mailbox: Mailbox) -> Iterator[Controller]:
        controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
        controller.start()
        yield controller
        controller.stop()

    def channel(self, port: int) -> NotificationChannel:
        return AppriseNotificationChannel(
            f"mailto://127.0.0.1:{port}/?from=alarms@example.org&to={{recipient}}&mode=insecure"
        )

    async def test_it_arrives(self, mailbox: Mailbox, server: Controller) -> None:
        await self.channel(server.port).send(MESSAGE, "maria+alarms@example.org")
        [mail] = mailbox.messages
        assert mailbox.recipients == [["maria+alarms@example.org"]]
        assert mail["Subject"] == MESSAGE.title
        assert "Battery is low" in mail.as_string()

    async def test_a_refusal_is_for_good(self, mailbox: Mailbox, server: Controller) -> None:
        mailbox.answer = "550 no such user"
        with pytest.raises(PermanentError):
            await self.channel(server.port).send(MESSAGE, "nobody@example.org")

    async def test_a_busy_server_is_tried_again(self, mailbox: Mailbox, server: Controller) -> None:
        mailbox.answer = "451 later"
        with pytest.raises(RetryableError):
            await self.channel(server.port).send(MESSAGE, "maria@example.org")

    async def test_a_server_that_is_not_there_is_tried_again(self) -> None:
        with pytest.raises(RetryableError):
            await self.channel(free_port()).send(MESSAGE, "maria@example.org")


class TestPush:
    KEY = RSAKey.generate_key(2048)

    @pytest.fixture
    async def tokens(self) -> FakePushTokens:
        tokens = FakePushTokens()
        for name, user in [("phone", "maria"), ("tablet", "maria"), ("other", "jonas")]:
            await tokens.register(PushToken(name, user, PushPlatform.ANDROID, "login-1", SAMPLE_TIME))
        return tokens

    @pytest.fixture
    def push(self, sink: HttpSink, tokens: FakePushTokens) -> NotificationChannel:
        sink.bodies["/token"] = {"access_token": "granted", "expires_in": 3600}
        account = ServiceAccount.model_validate(
            {
                "project_id": "village",
                "client_email": "alarms@village.example",
                "private_key": self.KEY.as_pem(private=True).decode(),
                "token_uri": f"{sink.url}/token",
            }
        )
        return FcmNotificationChannel(account, tokens, url=sink.url)

    async def test_it_reaches_all_phones_of_a_user(self, sink: HttpSink, push: NotificationChannel) -> None:
        for _ in range(2):
            await push.send(MESSAGE, "maria")
        asked, *sent = sink.requests
        assert len(sent) == 4, "the access token is asked for once"
        form = parse_qs(asked.body.decode())
        claims = jwt.decode(form["assertion"][0], self.KEY, algorithms=["RS256"]).claims
        assert claims["iss"] == "alarms@village.example"
        assert claims["aud"] == f"{sink.url}/token"
        assert {request.path for request in sent} == {"/v1/projects/village/messages:send"}
        assert {request.headers["Authorization"] for request in sent} == {"Bearer granted"}
        documents = [json.loads(request.body)["message"] for request in sent]
        assert [document["token"] for document in documents[:2]] == ["phone", "tablet"]
        assert documents[0]["notification"]["title"] == MESSAGE.title
        assert documents[0]["android"]["collapse_key"] == "alert-7"
        assert documents[0]["apns"]["headers"]["apns-collapse-id"] == "alert-7"
        # An iPhone is silent unless it is told, and an Android phone sounds as its channel does.
        assert documents[0]["apns"]["payload"]["aps"]["sound"] == "default"
        assert documents[0]["android"]["notification"]["channel_id"] == "alarms"

    async def test_a_token_that_fcm_does_not_know_any_more_is_forgotten(
        self, sink: HttpSink, push: NotificationChannel, tokens: FakePushTokens
    ) -> None:
        await push.send(MESSAGE, "jonas")
        sink.answer_next(404)
        await push.send(MESSAGE, "maria")
        assert sorted(tokens.tokens) == ["other", "tablet"]

    async def test_one_phone_that_takes_it_is_enough(self, sink: HttpSink, push: NotificationChannel) -> None:
        await push.send(MESSAGE, "jonas")
        sink.answer_next(500)
        await push.send(MESSAGE, "maria")

    async def test_when_no_phone_takes_it_it_is_tried_again(
        self, sink: HttpSink, push: NotificationChannel
    ) -> None:
        await push.send(MESSAGE, "jonas")
        sink.answer_next(400)
        sink.answer_next(429, Retry_After="30")
        with pytest.raises(RetryableError) as busy:
            await push.send(MESSAGE, "maria")
        assert busy.value.retry_after == timedelta(seconds=30)

    async def test_a_user_without_a_phone_cannot_be_reached(self, push: NotificationChannel) -> None:
        with pytest.raises(PermanentError, match="no phone"):
            await push.send(MESSAGE, "nobody")

    async def test_an_access_token_that_was_withdrawn_is_replaced(
        self, sink: HttpSink, push: NotificationChannel
    ) -> None:
        await push.send(MESSAGE, "jonas")
        sink.answer_next(401)
        with pytest.raises(RetryableError):
            await push.send(MESSAGE, "jonas")
        await push.send(MESSAGE, "jonas")
        assert [request.path for request in sink.requests].count("/token") == 2

    async def test_an_account_that_is_refused_is_refused_for_good(
        self, sink: HttpSink, push: NotificationChannel
    ) -> None:
        sink.answer_next(401, times=2)
        with pytest.raises(PermanentError, match="401"):
            await push.send(MESSAGE, "maria")

    async def test_a_hanging_fcm_may_have_taken_it(
        self, push: NotificationChannel, hang: Callable[[], None]
    ) -> None:
        await push.send(MESSAGE, "jonas")
        hang()
        with pytest.raises(UncertainDeliveryError):
            await push.send(MESSAGE, "jonas")

    def test_a_file_that_is_no_service_account_is_refused_without_telling_what_is_in_it(
        self, tmp_path: Path
    ) -> None:
        file = tmp_path / "account.json"
        with pytest.raises(PermanentError, match="cannot be read"):
            read_service_account(file)
        file.write_text(json.dumps({"private_key": SECRET}))
        with pytest.raises(PermanentError, match="not a key file") as refusal:
            read_service_account(file)
        assert SECRET not in str(refusal.value)


def test_the_mail_server_of_these_tests_is_a_real_one() -> None:
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    with smtplib.SMTP("127.0.0.1", controller.port) as client:
        client.sendmail("a@example.org", ["b@example.org"], b"Subject: hello\r\n\r\nworld")
    controller.stop()
    assert [mail["Subject"] for mail in mailbox.messages] == ["hello"]
