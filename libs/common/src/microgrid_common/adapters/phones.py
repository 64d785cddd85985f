"""Sending one message to all phones of a user."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.notification_channel import NotificationMessage, UncertainDeliveryError
from microgrid_common.ports.push_tokens import PushToken
from microgrid_common.schemas.alert import Severity

_LONGEST_COLLAPSE_ID: Final = 64
"""Bytes; what Apple takes."""


async def send_to_phones(
    tokens: Sequence[PushToken], send_to: Callable[[PushToken], Awaitable[bool]]
) -> None:
    """Send to each phone; one that takes the message is enough.

    Args:
        tokens: the phones.
        send_to: whether a phone is still known, and took it.

    Raises:
        RetryableError: none took it, and one may later.
        PermanentError: none took it, and none will.
        UncertainDeliveryError: none is known to have taken it.
    """
    taken = 0
    problems: list[Exception] = []
    for token in tokens:
        try:
            taken += await send_to(token)
        except (RetryableError, PermanentError, UncertainDeliveryError) as error:
            problems.append(error)
    if taken:
        return
    for kind in (UncertainDeliveryError, RetryableError, PermanentError):
        for problem in problems:
            if isinstance(problem, kind):
                raise problem
    raise PermanentError("the user is signed in on no phone")


def is_urgent(message: NotificationMessage) -> bool:
    """Whether it may wake a phone up."""
    return message.severity is not Severity.INFO


def collapse_id(message: NotificationMessage) -> str:
    """Messages with the same one take one another's place on the screen; it fits every platform."""
    fits = len(message.replaces) <= _LONGEST_COLLAPSE_ID
    return message.replaces if fits else message.message_id


def fcm_message(message: NotificationMessage) -> dict[str, Any]:
    """The message for Android and the web, as FCM takes it, without the token.

    See https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages.
    """
    return {
        "notification": {"title": message.title, "body": message.body},
        "data": _data(message),
        "android": {
            "collapse_key": collapse_id(message),
            "priority": "HIGH" if is_urgent(message) else "NORMAL",
            # The app makes these two; whether they sound is the user's choice for each.
            "notification": {
                "tag": collapse_id(message),
                "channel_id": "alarms" if is_urgent(message) else "notices",
            },
        },
    }


def apple_payload(message: NotificationMessage) -> dict[str, Any]:
    """The message for iPhones: one that is critical also comes through a Focus.

    See https://developer.apple.com/documentation/usernotifications/generating-a-remote-notification.
    """
    level = "time-sensitive" if message.severity is Severity.CRITICAL else "active"
    shown = {"title": message.title, "body": message.body}
    return {"aps": {"alert": shown, "sound": "default", "interruption-level": level}, **_data(message)}


def _data(message: NotificationMessage) -> dict[str, str]:
    """What the app opens when the message is tapped."""
    return {
        "message_id": message.message_id,
        "severity": message.severity.value,
        "alert_ids": ",".join(message.alert_ids[:10]),
    }
