"""Asking a service over HTTP for a short answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar

from microgrid_common.adapters.http_answers import posting_errors
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.notification_channel import UncertainDeliveryError

LONGEST_ANSWER: Final = 64 * 1024
"""In bytes. Three tokens with many groups are 15 KiB, a document of two signing keys is 1 KiB."""

TIMEOUT: Final = ClientTimeout(total=8, connect=4)
"""In seconds; shorter than a client waits for the API."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said."""

    status: int
    retry_after: str | None
    """The header of that name."""
    body: bytes
    """At most `LONGEST_ANSWER`."""


async def ask(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Answer:
    """Ask once. Redirections are not followed: what is sent may be a password.

    Raises:
        RetryableError: there was no whole answer, or too long a one.
        PermanentError: there is no such address.
    """
    try:
        async with (
            posting_errors(),
            ClientSession(timeout=TIMEOUT, cookie_jar=DummyCookieJar()) as session,
            session.request(method, url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            return Answer(answer.status, answer.headers.get("Retry-After"), await _body(answer))
    except UncertainDeliveryError as error:
        raise RetryableError(str(error)) from error


async def _body(answer: ClientResponse) -> bytes:
    body = bytearray()
    async for part in answer.content.iter_any():
        body += part
        if len(body) > LONGEST_ANSWER:
            raise RetryableError(f"the answer is longer than {LONGEST_ANSWER} bytes")
    return bytes(body)
