"""Notifications to the operators' app, through Firebase Cloud Messaging's HTTP v1 interface."""

import json
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession, DummyCookieJar
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from pydantic import BaseModel, SecretStr, ValidationError

from microgrid_common.adapters.http_answers import ANSWER_TIMEOUT, check_status, posting_errors
from microgrid_common.adapters.phones import (
    apple_payload,
    collapse_id,
    fcm_message,
    is_urgent,
    send_to_phones,
)
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.notification_channel import NotificationMessage, UncertainDeliveryError
from microgrid_common.ports.push_tokens import PushToken, PushTokens

FCM_URL: Final = "https://fcm.googleapis.com"

_SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFETIME: Final = timedelta(hours=1)
_SPARE: Final = timedelta(minutes=2)
"""An access token is not used for the end of its life: a message may be on its way then."""


class ServiceAccount(BaseModel):
    """What is needed of the file that the Firebase console gives for a service account."""

    project_id: str
    client_email: str
    private_key: SecretStr
    token_uri: str


def read_service_account(file: Path) -> ServiceAccount:
    """Read such a file.

    Raises:
        PermanentError: it is not there, or is not one.
    """
    try:
        return ServiceAccount.model_validate_json(file.read_bytes())
    except OSError as error:
        raise PermanentError(f"the service account's file cannot be read: {error.strerror}") from error
    except ValidationError as error:
        # What it says goes nowhere: it holds a private key.
        raise PermanentError("the service account's file is not a key file of Firebase") from error


class FcmNotificationChannel:
    """Implements `NotificationChannel`: reaches every phone on which the recipient is signed in.

    A message with the same `replaces` takes the place of the one before on the screen.

    Args:
        account: whom to send as.
        tokens: which phones a user has; those that FCM does not know any more are removed from it.
        url: where FCM is.
    """

    may_repeat = True

    def __init__(self, account: ServiceAccount, tokens: PushTokens, *, url: str = FCM_URL) -> None:
        self._account = account
        self._tokens = tokens
        self._url = f"{url}/v1/projects/{account.project_id}/messages:send"
        self._access_token = ""
        self._expires_at = datetime.min.replace(tzinfo=UTC)

    async def send(self, message: NotificationMessage, recipient: str) -> None:
        """As `NotificationChannel.send`; one phone that takes it is enough."""
        tokens = await self._tokens.of_user(recipient)
        async with ClientSession(timeout=ANSWER_TIMEOUT, cookie_jar=DummyCookieJar()) as session:
            await send_to_phones(tokens, lambda token: self._send_to(session, token, message))

    async def _send_to(self, session: ClientSession, token: PushToken, message: NotificationMessage) -> bool:
        """Whether a phone's token is still good, and the message was taken."""
        headers = {"Authorization": f"Bearer {await self._authorization(session)}"}
        document = {"message": _document(token.token, message)}
        async with (
            posting_errors(),
            session.post(self._url, json=document, headers=headers, allow_redirects=False) as answer,
        ):
            if answer.status == HTTPStatus.NOT_FOUND:
                await self._tokens.remove(token.user, token.token)
                return False
            if answer.status == HTTPStatus.UNAUTHORIZED and self._access_token:
                # It may have been withdrawn before its time. A new one decides.
                self._access_token = ""
                raise RetryableError("FCM does not take the access token")
            check_status(answer.status, answer.headers.get("Retry-After"))
            return True

    async def _authorization(self, session: ClientSession) -> str:
        now = datetime.now(UTC)
        if self._access_token and now < self._expires_at:
            return self._access_token
        form = {"grant_type": _GRANT, "assertion": self._assertion(now)}
        try:
            async with (
                posting_errors(),
                session.post(self._account.token_uri, data=form, allow_redirects=False) as answer,
            ):
                check_status(answer.status, answer.headers.get("Retry-After"))
                granted = json.loads(await answer.read())
        except UncertainDeliveryError as error:
            raise RetryableError(str(error)) from error
        try:
            self._access_token = str(granted["access_token"])
            self._expires_at = now + timedelta(seconds=float(granted["expires_in"])) - _SPARE
        except (KeyError, TypeError, ValueError) as error:
            raise RetryableError("FCM's answer holds no access token") from error
        return self._access_token

    def _assertion(self, now: datetime) -> str:
        claims = {
            "iss": self._account.client_email,
            "scope": _SCOPE,
            "aud": self._account.token_uri,
            "iat": int(now.timestamp()),
            "exp": int((now + _LIFETIME).timestamp()),
        }
        try:
            key = RSAKey.import_key(self._account.private_key.get_secret_value())
            return jwt.encode({"alg": "RS256", "typ": "JWT"}, claims, key)
        except (JoseError, ValueError) as error:
            raise PermanentError("the service account's private key cannot be used") from error


def _document(token: str, message: NotificationMessage) -> dict[str, Any]:
    priority = "10" if is_urgent(message) else "5"
    headers = {"apns-collapse-id": collapse_id(message), "apns-priority": priority}
    apns = {"headers": headers, "payload": apple_payload(message)}
    return {"token": token, **fcm_message(message), "apns": apns}
