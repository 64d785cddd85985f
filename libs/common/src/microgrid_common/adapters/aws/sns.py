"""Notifications to the operators' app, through the platform applications of Amazon SNS."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from microgrid_common.adapters.phones import (
    apple_payload,
    collapse_id,
    fcm_message,
    is_urgent,
    send_to_phones,
)
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.notification_channel import NotificationMessage, UncertainDeliveryError
from microgrid_common.ports.push_tokens import PushPlatform, PushToken, PushTokens

_CONFIG: Final = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 1})
"""In seconds. The caller decides about retries."""

_GONE: Final = frozenset({"EndpointDisabled", "NotFound"})
"""The phone does not take messages under this token any more."""

_PASSING: Final = frozenset({"Throttling", "Throttled", "ThrottlingException", "RequestLimitExceeded"})
_FIRST_SERVER_ERROR_STATUS = 500


class SnsNotificationChannel:
    """Implements `NotificationChannel`: reaches every phone on which the recipient is signed in.

    A message with the same `replaces` takes the place of the one before on the screen. Credentials come
    from where AWS puts them: the task's role, or the environment.

    Args:
        applications: the ARN of the platform application of each platform; all of one region.
        tokens: which phones a user has; those that SNS does not know any more are removed from it.
        url: where SNS is; that of the region by default.

    Raises:
        PermanentError: there is no application.
    """

    may_repeat = True

    def __init__(
        self, applications: Mapping[PushPlatform, str], tokens: PushTokens, *, url: str | None = None
    ) -> None:
        if not applications:
            raise PermanentError("there is no platform application of SNS")
        self._applications = dict(applications)
        self._tokens = tokens
        region = next(iter(self._applications.values())).split(":")[3]
        session = botocore.session.get_session()
        self._client = session.create_client("sns", region_name=region, endpoint_url=url, config=_CONFIG)

    async def send(self, message: NotificationMessage, recipient: str) -> None:
        """As `NotificationChannel.send`; one phone that takes it is enough."""
        tokens = await self._tokens.of_user(recipient)
        await send_to_phones(tokens, lambda token: self._send_to(token, message))

    async def _send_to(self, token: PushToken, message: NotificationMessage) -> bool:
        application = self._applications.get(token.platform)
        if application is None:
            raise PermanentError(f"SNS has no platform application for {token.platform.value}")

        # For a token that has an endpoint already it is that one.
        created = await _asked(
            lambda: self._client.create_platform_endpoint(
                PlatformApplicationArn=application, Token=token.token
            ),
            may_have_happened=False,
        )
        gone = created is None or not await _asked(
            lambda: self._client.publish(
                TargetArn=created["EndpointArn"],
                Message=_document(message),
                MessageStructure="json",
                MessageAttributes=_attributes(message, token.platform),
            ),
            may_have_happened=True,
        )
        if gone:
            await self._tokens.remove(token.user, token.token)
        return not gone


async def _asked(ask: Callable[[], Any], *, may_have_happened: bool) -> Any | None:
    """The answer; None when the phone does not take messages any more.

    Raises:
        RetryableError: SNS is away or busy.
        PermanentError: SNS refuses.
        UncertainDeliveryError: there was no answer to something that may have happened.
    """
    try:
        return await asyncio.to_thread(ask)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _GONE:
            return None
        if code in _PASSING or status >= _FIRST_SERVER_ERROR_STATUS:
            raise RetryableError(f"SNS: {code}") from error
        raise PermanentError(f"SNS: {code}") from error
    except (ReadTimeoutError, ConnectionClosedError) as error:
        if may_have_happened:
            raise UncertainDeliveryError("SNS gave no answer") from error
        raise RetryableError("SNS gave no answer") from error
    except (EndpointConnectionError, ConnectTimeoutError) as error:
        raise RetryableError("cannot connect to SNS") from error
    except BotoCoreError as error:
        raise PermanentError(f"SNS: {type(error).__name__}") from error


def _document(message: NotificationMessage) -> str:
    apple = json.dumps(apple_payload(message))
    return json.dumps(
        {
            "default": message.title,
            "GCM": json.dumps({"fcmV1Message": {"message": fcm_message(message)}}),
            "APNS": apple,
            "APNS_SANDBOX": apple,
        }
    )


def _attributes(message: NotificationMessage, platform: PushPlatform) -> dict[str, dict[str, str]]:
    if platform is not PushPlatform.IOS:
        return {}
    values = {
        "AWS.SNS.MOBILE.APNS.COLLAPSE_ID": collapse_id(message),
        "AWS.SNS.MOBILE.APNS.PRIORITY": "10" if is_urgent(message) else "5",
        "AWS.SNS.MOBILE.APNS.PUSH_TYPE": "alert",
    }
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}
