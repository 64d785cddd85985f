"""The JSON of the notifier's settings and of push tokens."""

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from microgrid_api.web.wire_time import WireTime
from microgrid_common.ports.notification_settings import StoredNotificationSettings
from microgrid_common.ports.push_tokens import LONGEST_TOKEN, PushPlatform, PushToken
from microgrid_common.schemas.notification import NotificationSettings

_SETTINGS: dict[str, JsonValue] = {
    "channels": [
        {
            "kind": "apprise",
            "channel_id": "village-ntfy",
            "enabled": True,
            "messages": 20,
            "period_seconds": 60,
            "url": "**********",
        },
        {"kind": "push", "channel_id": "app", "enabled": True, "messages": 20, "period_seconds": 60},
    ],
    "schedules": [
        {
            "schedule_id": "operators",
            "time_zone": "Africa/Nairobi",
            "shifts": [
                {"days": ["sat", "sun"], "start": "06:00:00", "end": "06:00:00", "recipients": ["amina"]}
            ],
        }
    ],
    "routes": [
        {
            "route_id": "village",
            "minimum_severity": "warning",
            "grids": ["village-1"],
            "targets": [
                {"channel_id": "village-ntfy", "recipients": [], "on_call": None},
                {"channel_id": "app", "recipients": [], "on_call": "operators"},
            ],
            "escalation": [],
            "quiet_hours": None,
            "all_clear": True,
        }
    ],
}
_TOKEN: Final = "dpNx3v0QSa2:APA91bF"  # noqa: S105 - an example

PushTokenText = Annotated[str, StringConstraints(pattern=rf"^[\x21-\x7e]{{1,{LONGEST_TOKEN}}}$")]


def _example(**fields: JsonValue) -> ConfigDict:
    return ConfigDict(use_attribute_docstrings=True, extra="forbid", json_schema_extra={"examples": [fields]})


class NotificationSettingsView(BaseModel):
    """Whom alarms are told, through which channels, and when."""

    model_config = _example(version=3, settings=_SETTINGS)

    version: int
    """Counts the changes; 0 when nobody has made any yet."""
    settings: NotificationSettings
    """Without secrets: the URL of a channel reads as ten asterisks."""

    @classmethod
    def of(cls, stored: StoredNotificationSettings) -> Self:
        """`stored` as clients see it."""
        return cls(version=stored.version, settings=stored.settings)


class ChangedNotificationSettings(BaseModel):
    """The settings as they are to be from now on, whole."""

    model_config = _example(version=3, settings=_SETTINGS)

    version: Annotated[int, Field(ge=0)] | None = None
    """The version that they replace, unless `If-Match` says that; 0 for the first ones."""
    settings: NotificationSettings
    """A URL that reads as ten asterisks stays what it is."""


class PushTokenOrder(BaseModel):
    """An installation of the app that is to be reached."""

    model_config = _example(token=_TOKEN, platform="android")

    token: PushTokenText
    """As the push service gave it to the app."""
    platform: PushPlatform


class PushTokenView(BaseModel):
    """An installation of the app that is reached while its user is logged in."""

    model_config = _example(
        token=_TOKEN, platform="android", user="user", registered_at="2026-11-23T10:00:00.000Z"
    )

    token: str
    platform: PushPlatform
    user: str
    registered_at: WireTime

    @classmethod
    def of(cls, token: PushToken) -> Self:
        """`token` as clients see it."""
        return cls(
            token=token.token, platform=token.platform, user=token.user, registered_at=token.registered_at
        )


class RemovedPushTokenView(BaseModel):
    """A token that is not used any more."""

    model_config = _example(token=_TOKEN)

    token: str
