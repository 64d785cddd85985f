"""The notifier's own settings, and which channel is made of which settings."""

import json
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey
from pydantic import ValidationError

from microgrid_alert_engine.notifier.settings import NotifierSettings
from microgrid_alert_engine.notifier.wiring import build
from microgrid_common.adapters.apprise.channel import AppriseNotificationChannel
from microgrid_common.adapters.aws.sns import SnsNotificationChannel
from microgrid_common.adapters.push.fcm import FcmNotificationChannel
from microgrid_common.adapters.webhook.channel import WebhookNotificationChannel
from microgrid_common.ports.errors import PermanentError
from microgrid_common.schemas.notification import PushChannel
from microgrid_common.testing.notification_samples import settings_with

ARN = "arn:aws:sns:eu-west-1:123456789012:app/GCM/village"
PUSH = PushChannel(channel_id="app")


@pytest.fixture
def account(tmp_path: Path) -> Path:
    file = tmp_path / "account.json"
    key = RSAKey.generate_key(2048).as_pem(private=True).decode()
    parts = {"project_id": "village", "client_email": "a@b.example", "token_uri": "https://token.example"}
    file.write_text(json.dumps({**parts, "private_key": key, "type": "service_account"}))
    return file


async def test_each_kind_of_channel_has_its_own_adapter(account: Path) -> None:
    async with build(NotifierSettings(fcm_service_account_file=account)) as ports:
        kinds = [type(ports.open_channel(channel)) for channel in settings_with().channels]
        assert kinds == [AppriseNotificationChannel, WebhookNotificationChannel, AppriseNotificationChannel]
        assert isinstance(ports.open_channel(PUSH), FcmNotificationChannel)


async def test_push_messages_go_by_sns_where_it_has_applications(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGRID_SNS_APPLICATIONS", json.dumps({"android": ARN}))
    async with build(NotifierSettings()) as ports:
        assert isinstance(ports.open_channel(PUSH), SnsNotificationChannel)


async def test_without_either_a_push_channel_says_what_is_missing() -> None:
    async with build(NotifierSettings()) as ports:
        with pytest.raises(PermanentError, match="MICROGRID_FCM_SERVICE_ACCOUNT_FILE"):
            ports.open_channel(PUSH)


@pytest.mark.parametrize(
    ("applications", "reason"),
    [('{"android": "not-an-arn"}', "pattern"), ('{"pager": "' + ARN + '"}', "'android', 'ios' or 'web'")],
)
def test_what_is_no_application_of_sns_is_refused(
    monkeypatch: pytest.MonkeyPatch, applications: str, reason: str
) -> None:
    monkeypatch.setenv("MICROGRID_SNS_APPLICATIONS", applications)
    with pytest.raises(ValidationError, match=reason):
        NotifierSettings()


def test_there_is_one_way_to_the_phones(monkeypatch: pytest.MonkeyPatch, account: Path) -> None:
    monkeypatch.setenv("MICROGRID_SNS_APPLICATIONS", json.dumps({"android": ARN}))
    with pytest.raises(ValidationError, match="one of them"):
        NotifierSettings(fcm_service_account_file=account)
