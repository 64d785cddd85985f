"""The notifier's settings: what is refused, what is hidden, and both stores."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from redis.asyncio import Redis

from microgrid_common.adapters.redis.notification_settings import RedisNotificationSettings
from microgrid_common.ports.notification_settings import NotificationSettingsStore
from microgrid_common.schemas.notification import HIDDEN_SECRET, AppriseChannel, NotificationSettings
from microgrid_common.testing.contracts.notification_settings import (
    SAMPLE_SETTINGS,
    SECRET_URL,
    NotificationSettingsContract,
)
from microgrid_common.testing.fakes.notification_settings import FakeNotificationSettings


class TestFakeNotificationSettings(NotificationSettingsContract):
    @pytest.fixture
    def store(self) -> NotificationSettingsStore:
        return FakeNotificationSettings()


@pytest.mark.integration
class TestRedisNotificationSettings(NotificationSettingsContract):
    @pytest.fixture
    def store(self, redis_client: Redis) -> NotificationSettingsStore:
        return RedisNotificationSettings(redis_client)


def channel(**fields: Any) -> dict[str, Any]:
    return {"kind": "apprise", "channel_id": "ntfy", "url": "ntfy://ntfy.example/alarms", **fields}


def route(**fields: Any) -> dict[str, Any]:
    return {"route_id": "all", "targets": [{"channel_id": "ntfy"}], **fields}


@pytest.mark.parametrize(
    ("settings", "field", "reason"),
    [
        ({"channels": [channel(url="nonsense")]}, "channels.0.apprise.url", "apprise library"),
        ({"channels": [channel(url="x://" + "y" * 2_000)]}, "channels.0.apprise.url", "2000 characters"),
        ({"channels": [channel(kind="webhook")]}, "channels.0.webhook.url", "http"),
        ({"channels": [channel(kind="pigeon")]}, "channels.0", "pigeon"),
        ({"channels": [channel(), channel()]}, "channels", "ntfy is there twice"),
        ({"routes": [route()]}, "", "no channel ntfy"),
        (
            {
                "channels": [channel()],
                "routes": [route(targets=[{"channel_id": "ntfy", "on_call": "night"}])],
            },
            "",
            "no schedule night",
        ),
        (
            {
                "channels": [channel()],
                "routes": [route(targets=[{"channel_id": "ntfy", "recipients": ["x"]}])],
            },
            "",
            "no place {recipient}",
        ),
        (
            {"channels": [channel(url="ntfy://ntfy.example/{recipient}")], "routes": [route()]},
            "",
            "needs recipients",
        ),
        (
            {
                "channels": [channel()],
                "routes": [
                    route(
                        escalation=[
                            {"after_minutes": minutes, "targets": [{"channel_id": "ntfy"}]}
                            for minutes in (10, 5)
                        ]
                    )
                ],
            },
            "routes.0",
            "one after the other",
        ),
        (
            {"schedules": [{"schedule_id": "night", "time_zone": "Mars/Olympus", "shifts": []}]},
            "schedules.0.time_zone",
            "timezone",
        ),
        (
            {
                "channels": [channel(kind="push")],
            },
            "channels.0.push.url",
            "not permitted",
        ),
    ],
)
def test_what_is_wrong_is_refused_with_its_field_and_the_reason(
    settings: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        NotificationSettings.model_validate(settings)
    told = {".".join(map(str, one["loc"])): one["msg"] for one in refusal.value.errors(include_input=False)}
    assert reason.lower() in told[field].lower()


def test_the_example_in_the_documentation_is_good() -> None:
    text = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```json\n(.*?)```", text.partition("## Notifications")[2], re.DOTALL)
    settings = NotificationSettings.model_validate(json.loads(example)["settings"])
    assert len(settings.channels) == 4


def test_a_secret_is_shown_to_nobody() -> None:
    shown = SAMPLE_SETTINGS.model_dump_json() + repr(SAMPLE_SETTINGS) + str(SAMPLE_SETTINGS.model_dump())
    assert "ssword" not in shown
    assert "hook.example" not in shown
    assert HIDDEN_SECRET in shown


def test_what_was_shown_can_be_edited_and_sent_back() -> None:
    shown = SAMPLE_SETTINGS.model_dump(mode="json")
    shown["channels"][0]["messages"] = 7
    shown["channels"][1]["url"] = "https://hook.example/other"
    put = NotificationSettings.model_validate(shown).with_secrets_of(SAMPLE_SETTINGS)
    mail = put.channels[0]
    assert isinstance(mail, AppriseChannel)
    assert (mail.url.get_secret_value(), mail.messages) == (SECRET_URL, 7)
    assert "hook.example/other" in put.to_json_with_secrets()
    assert put.routes == SAMPLE_SETTINGS.routes


def test_a_new_channel_needs_its_secret() -> None:
    draft = NotificationSettings.model_validate({"channels": [channel(url=HIDDEN_SECRET)]})
    with pytest.raises(ValueError, match="channel ntfy: the URL is needed"):
        draft.with_secrets_of(NotificationSettings())


def test_a_secret_that_is_filled_in_is_checked_against_the_routes() -> None:
    stored = NotificationSettings.model_validate(
        {"channels": [channel(url="ntfy://ntfy.example/{recipient}")]}
    )
    draft = NotificationSettings.model_validate(
        {"channels": [channel(url=HIDDEN_SECRET)], "routes": [route()]}
    )
    with pytest.raises(ValueError, match="needs recipients"):
        draft.with_secrets_of(stored)
