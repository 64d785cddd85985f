"""Notifications through the apprise library: ntfy, e-mail, SMS, Telegram and others."""

import asyncio
import logging
import re
import threading
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from apprise import Apprise, AppriseAsset, AppriseResult, NotifyFormat, NotifyType

from microgrid_common.adapters.http_answers import check_status
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.notification_channel import NotificationMessage, UncertainDeliveryError
from microgrid_common.schemas.alert import Severity
from microgrid_common.schemas.notification import RECIPIENT_PLACE

_TYPES: Final = {
    Severity.INFO: NotifyType.INFO,
    Severity.WARNING: NotifyType.WARNING,
    Severity.CRITICAL: NotifyType.FAILURE,
}

# The library tells of a failure only by what it logs.
_STATUS = re.compile(r"\berror=(\d{3})\b")
_SMTP_REFUSAL = re.compile(r"\(5\d\d, b['\"]")
_NEVER_CONNECTED = re.compile(
    r"refused|NewConnectionError|ConnectTimeout|connect timeout|resolve|not known", re.IGNORECASE
)
_BROKEN_OFF = re.compile(
    r"timed out|RemoteDisconnected|Connection aborted|reset by peer|unexpectedly closed", re.IGNORECASE
)

_LOGGER_NAME: Final = "apprise"
_EXAMPLE_RECIPIENT: Final = "someone"


class AppriseNotificationChannel:
    """Implements `NotificationChannel`.

    Args:
        url: a URL of the library, perhaps with `RECIPIENT_PLACE`.

    Raises:
        PermanentError: the library knows no such service.
    """

    may_repeat = False
    """What carries an id of ours to the reader is different with every service, where there is anything."""

    def __init__(self, url: str) -> None:
        _keep_its_log_to_ourselves()
        self._url = url
        self._busy = False
        self._notifier(_EXAMPLE_RECIPIENT)

    async def send(self, message: NotificationMessage, recipient: str) -> None:
        """As `NotificationChannel.send`."""
        notifier = self._notifier(recipient)
        if self._busy:
            # A thread cannot be ended. That of a message before may still wait for its server.
            raise RetryableError("the message before is still on its way")

        def notify() -> AppriseResult:
            return notifier.notify(
                title=message.title,
                body=message.body,
                notify_type=_TYPES[message.severity],
                body_format=NotifyFormat.TEXT,
                log_level=logging.DEBUG,
            )

        result = await self._in_a_thread(notify)
        if not result:
            _raise_why("\n".join(_lines(result)))

    def _notifier(self, recipient: str) -> Apprise:
        # Without a deadline of its own it does its work in our thread, not in one that all channels share.
        asset = AppriseAsset(service_timeout=0, storage_mode="memory", default_service_retry=0)
        notifier = Apprise(asset=asset)
        if not notifier.add(self._url.replace(RECIPIENT_PLACE, quote(recipient, safe=""))):
            raise PermanentError("the URL is not one of a service that the apprise library knows")
        return notifier

    async def _in_a_thread(self, work: Callable[[], AppriseResult]) -> AppriseResult:
        """Run it in a thread of its own, which may outlive the caller's patience, and the process."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[AppriseResult] = loop.create_future()
        self._busy = True

        def finish(result: AppriseResult | None, error: Exception | None) -> None:
            self._busy = False
            if done.done():
                return
            if error is not None:
                done.set_exception(error)
            elif result is not None:
                done.set_result(result)

        def run() -> None:
            result, problem = None, None
            try:
                result = work()
            except Exception as error:  # noqa: BLE001 - it is raised again where it is waited for
                problem = error
            if not loop.is_closed():
                loop.call_soon_threadsafe(finish, result, problem)

        threading.Thread(target=run, name="apprise", daemon=True).start()
        return await done


def _lines(result: AppriseResult) -> list[str]:
    return [entry.message for service in result for attempt in service for entry in attempt]


def _raise_why(logged: str) -> None:
    """Raise what a failure means.

    Nothing of what was logged goes into the error: it may hold passwords.
    """
    if status := _STATUS.search(logged):
        check_status(int(status[1]))
    if _SMTP_REFUSAL.search(logged):
        raise PermanentError("the mail server has refused the message")
    if not _NEVER_CONNECTED.search(logged) and _BROKEN_OFF.search(logged):
        raise UncertainDeliveryError("the connection ended before there was an answer")
    raise RetryableError("the service did not take the message")


def _keep_its_log_to_ourselves() -> None:
    """Its lines name addresses and, when they are detailed, passwords; and detailed ones are needed here."""
    logger = logging.getLogger(_LOGGER_NAME)
    if logger.propagate:
        logger.propagate = False
        logger.setLevel(logging.DEBUG)
        logger.addHandler(logging.NullHandler())
