"""A copy of all that an InfluxDB 2 holds, taken while it runs, laid out as its data folder is."""

import asyncio
import io
import json
import tarfile
from collections.abc import Iterator
from http import HTTPStatus
from typing import IO, Any, Final

import aiohttp

from microgrid_common.adapters.influx.responses import Refusal, no_answer, unavailable
from microgrid_common.ports.errors import RetryableError

BOLT_NAME, SQLITE_NAME, SHARDS_FOLDER = "influxd.bolt", "influxd.sqlite", "engine/data"
"""Where they lie in the folder that `influxd` is started on; it makes missing indexes anew."""

_FILES: Final = {"kv": BOLT_NAME, "sql": SQLITE_NAME}
_SILENCE = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=300)
"""A shard is laid on the disk before its first byte comes."""
_BLOCK = 2**20


async def write_snapshot(url: str, token: str, archive: IO[bytes]) -> None:
    """Write a tar archive: users, tokens and buckets as they are at the beginning, then every shard as it is.

    A shard whose time is over meanwhile is left out.

    Args:
        url: such as `http://127.0.0.1:8086`.
        token: the operator's, which may do everything.
        archive: where to; it is not sought in.

    Raises:
        RetryableError: the server is away, breaks off, or does not let us; what is written is of no use.
        OSError: the archive cannot be written.
    """
    headers = {"Authorization": f"Token {token}", "Accept-Encoding": "identity"}
    with tarfile.open(fileobj=archive, mode="w|", bufsize=_BLOCK) as tar:
        async with aiohttp.ClientSession(url, headers=headers, timeout=_SILENCE) as session:
            for shard in _shards(await _copy_metadata(session, tar)):
                await _copy_shard(session, shard, tar)


async def _copy_metadata(session: aiohttp.ClientSession, tar: tarfile.TarFile) -> Any:
    parts: dict[str, bytes] = {}
    try:
        async with session.get("/api/v2/backup/metadata", allow_redirects=False) as response:
            if response.status != HTTPStatus.OK:
                raise unavailable(await _refusal(response))
            async for part in aiohttp.MultipartReader.from_response(response):
                if isinstance(part, aiohttp.BodyPartReader) and part.name:
                    parts[part.name] = bytes(await part.read())
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise no_answer(error) from error
    if missing := {*_FILES, "buckets"} - parts.keys():
        raise RetryableError(f"InfluxDB's backup is without {missing.pop()}")
    for name, file in _FILES.items():
        _add(tar, file, io.BytesIO(parts[name]), len(parts[name]))
    return json.loads(parts["buckets"])


def _shards(buckets: Any) -> Iterator[int]:
    for bucket in buckets:
        for policy in bucket["retentionPolicies"]:
            for group in policy["shardGroups"]:
                for shard in group["shards"]:
                    yield shard["id"]


async def _copy_shard(session: aiohttp.ClientSession, shard: int, tar: tarfile.TarFile) -> None:
    try:
        async with session.get(f"/api/v2/backup/shards/{shard}", allow_redirects=False) as response:
            if response.status == HTTPStatus.NOT_FOUND:
                return
            if response.status != HTTPStatus.OK:
                raise unavailable(await _refusal(response))
            content = _InThread(response.content, asyncio.get_running_loop())
            await asyncio.to_thread(_copy, content, tar)
    except (aiohttp.ClientError, TimeoutError, tarfile.TarError) as error:
        raise no_answer(error) from error


def _copy(source: "_InThread", tar: tarfile.TarFile) -> None:
    with tarfile.open(fileobj=source, mode="r|", bufsize=_BLOCK) as shard:  # type: ignore[call-overload]
        for member in shard:
            if content := shard.extractfile(member):
                _add(tar, f"{SHARDS_FOLDER}/{member.name}", content, member.size)


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size = size
    tar.addfile(info, content)


class _InThread:
    """What a thread reads while the loop goes on."""

    def __init__(self, content: aiohttp.StreamReader, loop: asyncio.AbstractEventLoop) -> None:
        self._content = content
        self._loop = loop

    def read(self, size: int) -> bytes:
        return asyncio.run_coroutine_threadsafe(self._content.read(size), self._loop).result()


async def _refusal(response: aiohttp.ClientResponse) -> Refusal:
    answer = await response.content.read(64 * 1024)
    return Refusal(response.status, response.headers.get("Retry-After"), answer)
