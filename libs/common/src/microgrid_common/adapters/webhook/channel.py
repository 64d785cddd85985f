"""Notifications as JSON documents, posted to an address."""

from typing import Final
from urllib.parse import quote

from aiohttp import ClientSession, DummyCookieJar

from microgrid_common.adapters.http_answers import ANSWER_TIMEOUT, check_status, posting_errors
from microgrid_common.ports.notification_channel import NotificationMessage
from microgrid_common.schemas.notification import RECIPIENT_PLACE

IDEMPOTENCY_HEADER: Final = "Idempotency-Key"


class WebhookNotificationChannel:
    """Implements `NotificationChannel`.

    Args:
        url: `http://` or `https://`; user and password may stand in it.
    """

    may_repeat = True

    def __init__(self, url: str) -> None:
        self._url = url

    async def send(self, message: NotificationMessage, recipient: str) -> None:
        """As `NotificationChannel.send`."""
        document = {
            "message_id": message.message_id,
            "severity": message.severity.value,
            "title": message.title,
            "body": message.body,
            "alert_ids": message.alert_ids,
            "recipient": recipient,
        }
        url = self._url.replace(RECIPIENT_PLACE, quote(recipient, safe=""))
        headers = {IDEMPOTENCY_HEADER: message.message_id}
        # A connection for each message: there are few, and one that was left open may be dead by the next.
        async with (
            posting_errors(),
            ClientSession(timeout=ANSWER_TIMEOUT, cookie_jar=DummyCookieJar()) as session,
            session.post(url, json=document, headers=headers, allow_redirects=False) as answer,
        ):
            check_status(answer.status, answer.headers.get("Retry-After"))
