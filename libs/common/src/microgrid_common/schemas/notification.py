"""Whom alarms are told, through which channels, and when: the settings of the notifier."""

from collections.abc import Iterable
from datetime import time
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    SerializationInfo,
    StringConstraints,
    field_serializer,
    field_validator,
    model_validator,
)

from microgrid_common.schemas.alert import Severity
from microgrid_common.schemas.identifiers import Identifier

RECIPIENT_PLACE: Final = "{recipient}"
"""Where a channel's URL takes the address of a recipient, percent-encoded."""

HIDDEN_SECRET: Final = "**********"  # noqa: S105 - it stands for one
"""What a secret reads as wherever settings are shown."""

LONGEST_URL = 2_000
LONGEST_ESCALATION_MINUTES: Final = 7 * 24 * 60

_REVEALED: Final = {"secrets": "revealed"}

Recipient = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,256}$")]
"""A user's name on a push channel, an address on another one."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class _ChannelPart(_Part):
    channel_id: Identifier
    enabled: bool = True
    """What waits for a channel that is not enabled goes on waiting, for a day."""
    messages: Annotated[int, Field(ge=1, le=1_000)] = 20
    """So many messages may go out in a period; what is held back goes as one summary. What is critical and
    lasts is never held back."""
    period_seconds: Annotated[float, Field(ge=1, le=86_400)] = 60


class _SecretUrlPart(_ChannelPart):
    url: SecretStr
    """Holds passwords and tokens."""

    @field_validator("url")
    @classmethod
    def _is_of_a_sane_length(cls, url: SecretStr) -> SecretStr:
        if not 1 <= len(url.get_secret_value()) <= LONGEST_URL:
            raise ValueError(f"must have 1 to {LONGEST_URL} characters")
        return url

    @field_serializer("url")
    def _hide(self, url: SecretStr, info: SerializationInfo) -> str:
        return url.get_secret_value() if info.context == _REVEALED else HIDDEN_SECRET

    @property
    def takes_recipients(self) -> bool:
        """Whether it needs to be told whom to reach; else its URL says so."""
        return RECIPIENT_PLACE in self.url.get_secret_value()


class AppriseChannel(_SecretUrlPart):
    """Ntfy, e-mail, SMS, Telegram and others, each by a URL of the `apprise` library."""

    kind: Literal["apprise"] = "apprise"

    @field_validator("url")
    @classmethod
    def _names_a_service(cls, url: SecretStr) -> SecretStr:
        scheme, separator, rest = url.get_secret_value().partition("://")
        if url.get_secret_value() != HIDDEN_SECRET and not (separator and rest and scheme.isalnum()):
            raise ValueError("must be a URL of the apprise library, such as ntfys://ntfy.example/topic")
        return url


class WebhookChannel(_SecretUrlPart):
    """A JSON document, posted to an address of your own, with an `Idempotency-Key` header."""

    kind: Literal["webhook"] = "webhook"

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(("http://", "https://", HIDDEN_SECRET)):
            raise ValueError("must begin with http:// or https://")
        return url


class PushChannel(_ChannelPart):
    """The operators' app; recipients are the names of its users."""

    kind: Literal["push"] = "push"

    @property
    def takes_recipients(self) -> bool:
        """Always."""
        return True


Channel = Annotated[AppriseChannel | WebhookChannel | PushChannel, Field(discriminator="kind")]

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class WeeklyRange(_Part):
    """A time of the day on some days of the week, by the clock on the wall."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WEEKDAYS
    """The days on which it begins."""
    start: time
    end: time
    """Not part of it. Not after `start`: it ends on the next day."""

    @field_validator("start", "end")
    @classmethod
    def _has_no_zone(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("must have no time zone of its own")
        return value


class Shift(WeeklyRange):
    """Who is on duty in a range."""

    recipients: tuple[Recipient, ...] = ()


class OnCallSchedule(_Part):
    """Who is on duty when."""

    schedule_id: Identifier
    time_zone: ZoneInfo
    shifts: Annotated[tuple[Shift, ...], Field(min_length=1, max_length=100)]


class QuietHours(_Part):
    """When nothing but what is critical is told; the rest follows when they are over, if it still lasts."""

    time_zone: ZoneInfo
    ranges: Annotated[tuple[WeeklyRange, ...], Field(min_length=1, max_length=50)]


class Target(_Part):
    """A channel, and whom to reach through it."""

    channel_id: Identifier
    recipients: Annotated[tuple[Recipient, ...], Field(max_length=100)] = ()
    on_call: Identifier | None = None
    """A schedule: only while somebody is on duty, and also to those who are. None: at any time."""


class EscalationStep(_Part):
    """Whom to tell when nobody has acknowledged in time."""

    after_minutes: Annotated[float, Field(gt=0, le=LONGEST_ESCALATION_MINUTES)]
    targets: Annotated[tuple[Target, ...], Field(min_length=1, max_length=20)]


class Route(_Part):
    """Whom to tell about which alarms. Every route that matches counts."""

    route_id: Identifier
    minimum_severity: Severity = Severity.WARNING
    grids: Annotated[tuple[Identifier, ...], Field(max_length=500)] = ()
    """Empty: every grid, and the platform."""
    targets: Annotated[tuple[Target, ...], Field(min_length=1, max_length=20)]
    escalation: Annotated[tuple[EscalationStep, ...], Field(max_length=10)] = ()
    quiet_hours: QuietHours | None = None
    all_clear: bool = True
    """Whether those who were told are also told that it is over."""

    def covers(self, grid_id: str, severity: Severity) -> bool:
        """Whether it is about such an alarm."""
        order = list(Severity)
        return (not self.grids or grid_id in self.grids) and order.index(severity) >= order.index(
            self.minimum_severity
        )

    @model_validator(mode="after")
    def _steps_follow_one_another(self) -> Self:
        minutes = [step.after_minutes for step in self.escalation]
        if minutes != sorted(set(minutes)):
            raise ValueError("escalation steps must come one after the other")
        return self


class NotificationSettings(_Part):
    """All of it. Without routes nobody is told anything."""

    channels: Annotated[tuple[Channel, ...], Field(max_length=50)] = ()
    schedules: Annotated[tuple[OnCallSchedule, ...], Field(max_length=50)] = ()
    routes: Annotated[tuple[Route, ...], Field(max_length=100)] = ()

    @field_validator("channels", "schedules", "routes")
    @classmethod
    def _ids_are_unique(cls, parts: tuple[Any, ...]) -> tuple[Any, ...]:
        ids = [_id_of(part) for part in parts]
        if doubled := sorted({name for name in ids if ids.count(name) > 1}):
            raise ValueError(f"{doubled[0]} is there twice")
        return parts

    @model_validator(mode="after")
    def _targets_can_be_reached(self) -> Self:
        channels = {channel.channel_id: channel for channel in self.channels}
        schedules = {schedule.schedule_id for schedule in self.schedules}
        for route in self.routes:
            for target in all_targets(route):
                channel = channels.get(target.channel_id)
                if channel is None:
                    raise ValueError(f"route {route.route_id}: there is no channel {target.channel_id}")
                if target.on_call is not None and target.on_call not in schedules:
                    raise ValueError(f"route {route.route_id}: there is no schedule {target.on_call}")
                _check_recipients(route.route_id, target, channel)
        return self

    def to_json_with_secrets(self) -> str:
        """As it is stored. Nobody but the notifier gets to see it."""
        return self.model_dump_json(context=_REVEALED)

    def with_secrets_of(self, stored: "NotificationSettings") -> "NotificationSettings":
        """The same, with the secrets that still read as hidden taken from what is stored.

        So what was shown can be edited and sent back.

        Raises:
            ValueError: a channel's secret is hidden, and there is no such channel yet.
        """
        known = {channel.channel_id: channel for channel in stored.channels}
        channels = tuple(_with_secret_of(channel, known.get(channel.channel_id)) for channel in self.channels)
        return NotificationSettings(channels=channels, schedules=self.schedules, routes=self.routes)


def all_targets(route: Route) -> Iterable[Target]:
    """The targets of a route and of its escalation."""
    yield from route.targets
    for step in route.escalation:
        yield from step.targets


def _id_of(part: Any) -> str:
    for name in ("channel_id", "schedule_id", "route_id"):
        if (value := getattr(part, name, None)) is not None:
            return str(value)
    raise TypeError(type(part).__name__)


def _check_recipients(route_id: str, target: Target, channel: Channel) -> None:
    if (
        isinstance(channel, AppriseChannel | WebhookChannel)
        and channel.url.get_secret_value() == HIDDEN_SECRET
    ):
        return  # Checked when the secret is filled in.
    if channel.takes_recipients and not target.recipients and target.on_call is None:
        raise ValueError(f"route {route_id}: channel {target.channel_id} needs recipients, or a schedule")
    if target.recipients and not channel.takes_recipients:
        raise ValueError(
            f"route {route_id}: the URL of channel {target.channel_id} has no place {RECIPIENT_PLACE}"
        )


def _with_secret_of(channel: Channel, stored: Channel | None) -> Channel:
    if isinstance(channel, PushChannel) or channel.url.get_secret_value() != HIDDEN_SECRET:
        return channel
    if stored is None or isinstance(stored, PushChannel) or stored.kind != channel.kind:
        raise ValueError(f"channel {channel.channel_id}: the URL is needed")
    return channel.model_copy(update={"url": stored.url})
