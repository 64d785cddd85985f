"""The connection to an InfluxDB 2: writes and queries as bytes, and what its refusals mean."""

import zlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Literal, Self
from urllib.parse import urlsplit

import aiohttp
from influxdb_client import (
    AuthorizationsService,
    BucketsService,
    OrganizationsService,
    QueryService,
    WriteService,
)
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.rest import ApiException

from microgrid_common.adapters.influx.flux import Parameters, query_body, read_rows
from microgrid_common.adapters.influx.influxql import (
    ANSWER_TYPE,
    AnswerTooLargeError,
    Table,
    query_form,
    read_answer,
)
from microgrid_common.adapters.influx.responses import (
    PointsRefusedError,
    Refusal,
    WriteTooLargeError,
    no_answer,
    unavailable,
    write_error,
)
from microgrid_common.ports.errors import RetryableError

TIMEOUT = timedelta(seconds=10)
"""For a whole request: a write of 5,000 readings takes 0.05 s, a query of a million points some seconds."""

_GZIP_LEVEL = 1
_GZIP_WINDOW = 31
"""zlib's number for the gzip format."""

_LARGEST_PLAIN_BODY_BYTES = 2**20
"""What aiohttp takes without a warning that copying more would hold up the event loop."""

_LARGEST_REFUSAL_BYTES = 64 * 1024
_LARGEST_ANSWER_BYTES = 64 * 2**20
"""Of an answer that is taken as a whole: 600,000 roll-ups."""

Access = Literal["read", "write"]

_SECOND = timedelta(seconds=1)
_NO_ANSWER = (aiohttp.ClientError, OSError, TimeoutError)
_FORM = "application/x-www-form-urlencoded; charset=utf-8"


class InfluxServer:
    """An InfluxDB 2 that may be away. An asynchronous context manager.

    Nothing is connected before the first call. Wrong settings (token, organisation, bucket) are
    `RetryableError`: they can be mended while the readings wait.

    Args:
        url: such as `http://127.0.0.1:8086`.
        token: may read and write the buckets.
        org: the name of the organisation.
        timeout: for one request.
    """

    def __init__(self, *, url: str, token: str, org: str, timeout: timedelta = TIMEOUT) -> None:
        self._url = url
        self._token = token
        self._org = org
        self._timeout = timeout
        # Gzip leaves a fifth of the bytes for 0.7 to 1.3 µs of our CPU a reading and as much of the
        # server's, and 8,640 roll-ups take 50 ms longer with it; on loopback there is nothing to gain.
        self._loopback = urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}
        self._accepted_encoding = "identity" if self._loopback else "gzip"

    async def __aenter__(self) -> Self:
        """Make the HTTP client."""
        self._client = InfluxDBClientAsync(
            self._url,
            self._token,
            self._org,
            timeout=self._timeout.total_seconds() * 1000,
            # A redirected write would be a GET somewhere else, with our token.
            allow_redirects=False,
        )
        # The client's write_api().write() compresses at gzip's slowest level, and its query_api() builds an
        # object a record; the services under them take and give bytes, for less than 0.2 ms of CPU a request.
        self._write_service = WriteService(self._client.api_client)
        self._query_service = QueryService(self._client.api_client)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._client.close()

    async def ping(self, bucket: str) -> None:
        """Write nothing, which checks token, organisation and bucket in 2 ms.

        Raises:
            RetryableError: the server is away, or one of them is wrong.
        """
        try:
            await self.write(bucket, b"")
        except (PointsRefusedError, WriteTooLargeError) as error:
            raise RetryableError(f"InfluxDB refuses to take nothing: {error}") from error

    async def ping_to_read(self, bucket: str) -> None:
        """Look the bucket up, which checks token and bucket also where the token may only read it.

        Raises:
            RetryableError: the server is away, or one of them is wrong.
        """
        buckets = BucketsService(self._client.api_client)
        try:
            answer = await buckets.get_buckets_async(org=self._org, name=bucket, async_req=False)
        except ApiException as error:
            raise unavailable(Refusal(error.status, error.retry_after, error.body)) from None
        except _NO_ANSWER as error:
            raise no_answer(error) from error
        if not answer.buckets:
            raise RetryableError(f"InfluxDB shows no bucket {bucket} to this token")

    async def write(self, bucket: str, lines: bytes) -> None:
        """Write line protocol with millisecond precision.

        Raises:
            RetryableError: it is not known to be written.
            PointsRefusedError: some of it is not written, and never will be.
            WriteTooLargeError: it must come in smaller parts.
        """
        gzip = not self._loopback or len(lines) > _LARGEST_PLAIN_BODY_BYTES
        try:
            await self._write_service.post_write_async(
                org=self._org,
                bucket=bucket,
                precision="ms",
                body=zlib.compress(lines, _GZIP_LEVEL, _GZIP_WINDOW) if gzip else lines,
                content_encoding="gzip" if gzip else "identity",
                content_type="text/plain; charset=utf-8",
                async_req=False,
            )
        except ApiException as error:
            raise write_error(Refusal(error.status, error.retry_after, error.body)) from None
        except _NO_ANSWER as error:
            raise no_answer(error) from error

    async def query(
        self, text: str, parameters: Parameters, columns: tuple[str, ...]
    ) -> AsyncGenerator[list[tuple[str, ...]]]:
        """Rows of the answer to a Flux query, as they arrive.

        Raises:
            RetryableError: the server is away, refuses, or breaks off.
        """
        body = query_body(text, parameters)
        try:
            response: aiohttp.ClientResponse = await self._query_service.post_query_async(
                org=self._org,
                query=body,
                accept_encoding=self._accepted_encoding,
                _preload_content=False,
                async_req=False,
            )
            async with response:
                await _require_ok(response)
                async for rows in read_rows(response.content.iter_any(), columns):
                    yield rows
        except _NO_ANSWER as error:
            raise no_answer(error) from error

    async def select(
        self, bucket: str, statements: Sequence[str], parameters: Mapping[str, str | int]
    ) -> list[list[Table]]:
        """The tables of each of some InfluxQL statements; `$name` in them stands for a parameter.

        Raises:
            RetryableError: the server is away, or refuses.
            AnswerTooLargeError: the answer is larger than `_LARGEST_ANSWER_BYTES`.
        """
        try:
            response: aiohttp.ClientResponse = await self._client.api_client.call_api(
                "/query",
                "POST",
                header_params={
                    "Content-Type": _FORM,
                    "Accept": ANSWER_TYPE,
                    "Accept-Encoding": self._accepted_encoding,
                },
                body=query_form(bucket, statements, parameters),
                _preload_content=False,
                async_req=False,
            )
            async with response:
                await _require_ok(response)
                return read_answer(await _read_all(response))
        except _NO_ANSWER as error:
            raise no_answer(error) from error

    async def make_bucket(self, bucket: str, *, keep: timedelta) -> bool:
        """Make a bucket, or give the one that is there its retention.

        Returns:
            Whether it is new.

        Raises:
            RetryableError: the server is away, or does not let us.
        """
        try:
            return await self._make_bucket(bucket, [{"type": "expire", "everySeconds": keep // _SECOND}])
        except ApiException as error:
            raise unavailable(Refusal(error.status, error.retry_after, error.body)) from None
        except _NO_ANSWER as error:
            raise no_answer(error) from error

    async def make_token(self, description: str, access: Mapping[str, Sequence[Access]]) -> str:
        """Make a token that may do nothing else.

        Args:
            description: who it is for.
            access: bucket → what may be done with it.

        Raises:
            RetryableError: the server is away, does not let us, or has no such bucket.
        """
        buckets = BucketsService(self._client.api_client)
        authorizations = AuthorizationsService(self._client.api_client)
        try:
            permissions = []
            for name, actions in access.items():
                answer = await buckets.get_buckets_async(org=self._org, name=name, async_req=False)
                (bucket,) = answer.buckets
                resource = {"type": "buckets", "id": bucket.id, "orgID": bucket.org_id}
                permissions += [{"action": action, "resource": resource} for action in actions]
            request = {"orgID": bucket.org_id, "description": description, "permissions": permissions}
            made = await authorizations.post_authorizations_async(request, async_req=False)
        except ApiException as error:
            raise unavailable(Refusal(error.status, error.retry_after, error.body)) from None
        except _NO_ANSWER as error:
            raise no_answer(error) from error
        return str(made.token)

    async def _make_bucket(self, bucket: str, rules: Sequence[Mapping[str, object]]) -> bool:
        buckets = BucketsService(self._client.api_client)
        try:
            (found,) = (await buckets.get_buckets_async(org=self._org, name=bucket, async_req=False)).buckets
        except ApiException as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
        else:
            await buckets.patch_buckets_id_async(found.id, {"retentionRules": rules}, async_req=False)
            return False
        organisations = OrganizationsService(self._client.api_client)
        (organisation,) = (await organisations.get_orgs_async(org=self._org, async_req=False)).orgs
        request = {"orgID": organisation.id, "name": bucket, "retentionRules": rules}
        await buckets.post_buckets_async(request, async_req=False)
        return True


async def _read_all(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _LARGEST_ANSWER_BYTES:
            raise AnswerTooLargeError
    return bytes(body)


async def _require_ok(response: aiohttp.ClientResponse) -> None:
    if response.status != HTTPStatus.OK:
        answer = await response.content.read(_LARGEST_REFUSAL_BYTES)
        raise unavailable(Refusal(response.status, response.headers.get("Retry-After"), answer))
