"""What the InfluxDB store makes of answers that a real server gives only in trouble."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from microgrid_common.adapters.influx.telemetry_store import InfluxTelemetryStore
from microgrid_common.ports.errors import PartialWriteError, RetryableError
from microgrid_common.schemas.reading import Reading
from microgrid_common.testing.contracts.telemetry_samples import at, reading
from microgrid_common.testing.waiting import free_port

# Over real sockets, against servers that misbehave on purpose.
pytestmark = pytest.mark.integration

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def store_on(
    answer: Answer, *, host: str = "127.0.0.1", patience: timedelta = timedelta(seconds=5)
) -> AsyncIterator[InfluxTelemetryStore]:
    application = web.Application(client_max_size=2**26)
    application.router.add_post("/api/v2/{kind}", answer)
    async with (
        TestServer(application, host=host) as server,
        InfluxTelemetryStore(
            url=f"http://{host}:{server.port}/", token="secret", org="o", bucket="b", timeout=patience
        ) as store,
    ):
        yield store


def says(status: int, text: str = "", **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=text, headers=named)

    return answer


class Lines:
    """Takes lines of line protocol: all of a request, or none."""

    def __init__(self, *, at_most: int = 10_000, refused: tuple[Reading, ...] = ()) -> None:
        self.stored: list[bytes] = []
        self.encodings: list[str | None] = []
        self._at_most = at_most
        self._refused = {str(int(one.timestamp.timestamp() * 1000)).encode() for one in refused}

    async def answer(self, request: web.Request) -> web.Response:
        self.encodings.append(request.headers.get("Content-Encoding"))
        # aiohttp has undone the compression.
        lines = (await request.read()).split(b"\n")
        if len(lines) > self._at_most:
            return web.Response(status=413, text="<html>too large</html>")
        if any(line.rsplit(b" ", 1)[1] in self._refused for line in lines):
            return web.json_response({"code": "invalid", "message": "something is wrong"}, status=400)
        self.stored.extend(lines)
        return web.Response(status=204)

    @property
    def seconds(self) -> list[float]:
        times = {int(line.rsplit(b" ", 1)[1]) for line in self.stored}
        return [(datetime.fromtimestamp(time / 1000, UTC) - at(0)).total_seconds() for time in sorted(times)]


async def test_a_write_is_one_request_of_line_protocol() -> None:
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        assert await request.read() == (
            b"telemetry,device_id=meter,grid_id=village consumption_kw=1.0 1795428001000"
        )
        return web.Response(status=204)

    async with store_on(answer) as store:
        await store.write([reading(1)])
    (request,) = seen
    assert request.path == "/api/v2/write"
    assert dict(request.query) == {"org": "o", "bucket": "b", "precision": "ms"}
    assert request.headers["Authorization"] == "Token secret"


async def test_what_leaves_the_machine_is_compressed() -> None:
    sizes: list[int] = []

    async def answer(request: web.Request) -> web.Response:
        sizes.append(request.content_length or 0)
        assert request.headers["Content-Encoding"] == "gzip"
        assert len((await request.read()).split(b"\n")) == 100
        return web.Response(status=204)

    # Reaches this machine by an address that is not a loopback one.
    async with store_on(answer, host="0.0.0.0") as store:
        await store.write([reading(second) for second in range(100)])
    assert sizes[0] < 2_000


async def test_a_body_too_large_to_copy_at_once_is_compressed() -> None:
    lines = Lines()
    metrics = {f"metric_{number}": 0.123456789 for number in range(12)}
    async with store_on(lines.answer) as store:
        await store.write([reading(second, metrics) for second in range(5_000)])
        await store.write([reading(0)])
    assert len(lines.seconds) == 5_000
    assert lines.encodings == ["gzip", "identity"]


async def test_a_long_write_is_cut_into_requests() -> None:
    lines = Lines(at_most=100_000)
    async with store_on(lines.answer) as store:
        await store.write([reading(second) for second in range(12_001)])
    assert lines.seconds == list(range(12_001))
    assert len(lines.encodings) == 3


async def test_a_redirection_is_not_followed() -> None:
    paths: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=307, headers={"Location": "/api/v2/elsewhere"})

    async with store_on(answer) as store:
        for call in (store.write([reading(1)]), store.latest("village", since=at(0))):
            with pytest.raises(RetryableError, match="307"):
                await call
    assert paths == ["/api/v2/write", "/api/v2/query"]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 302, 418])
async def test_a_server_that_cannot_now_is_asked_again(status: int) -> None:
    async with store_on(says(status, "come back")) as store:
        for call in (store.write([reading(1)]), store.latest("village", since=at(0)), store.ping()):
            with pytest.raises(RetryableError, match=f"{status}.*come back") as caught:
                await call
            assert caught.value.retry_after is None


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (401, "token is not valid"),
        (403, "token has no permission for this"),
        (404, "bucket does not exist, see `microgrid-ingestor setup`"),
    ],
)
async def test_wrong_settings_can_be_mended_while_readings_wait(status: int, meaning: str) -> None:
    text = '{"code": "not found", "message": "bucket \\"b\\" not found"}'
    async with store_on(says(status, text)) as store:
        for call in (store.write([reading(1)]), store.latest("village", since=at(0)), store.ping()):
            with pytest.raises(RetryableError, match=rf'{status}, .*{meaning}: bucket "b" not found$'):
                await call


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("86400", 300),
        ("9" * 400, 300),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("٣", None),
    ],
)
async def test_retry_after_in_seconds(header: str, seconds: float | None) -> None:
    async with store_on(says(429, Retry_After=header)) as store:
        with pytest.raises(RetryableError) as caught:
            await store.write([reading(1)])
    assert caught.value.retry_after == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(("ahead", "least", "most"), [(60, 55, 60), (-60, 0, 0), (86_400, 300, 300)])
async def test_retry_after_as_a_date(ahead: int, least: int, most: int) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    for form in (date, date.removesuffix(" GMT")):
        async with store_on(says(503, Retry_After=form)) as store:
            with pytest.raises(RetryableError) as caught:
                await store.latest("village", since=at(0))
        assert caught.value.retry_after is not None
        assert timedelta(seconds=least) <= caught.value.retry_after <= timedelta(seconds=most)


@pytest.mark.parametrize("limit", [1, 7, 500])
async def test_a_write_that_is_too_large_is_halved(limit: int) -> None:
    lines = Lines(at_most=limit)
    async with store_on(lines.answer) as store:
        await store.write([reading(second) for second in range(1_000)])
    assert lines.seconds == list(range(1_000))


async def test_a_reading_that_is_too_large_alone_is_named() -> None:
    async with store_on(says(413)) as store:
        with pytest.raises(PartialWriteError) as caught:
            await store.write([reading(1), reading(2)])
    assert caught.value.rejected == (reading(1), reading(2))


@pytest.mark.parametrize("places", [(0,), (499,), (3, 4, 250), tuple(range(0, 500, 50)), tuple(range(500))])
async def test_refused_readings_are_found_in_a_batch(places: tuple[int, ...]) -> None:
    readings = [reading(second) for second in range(500)]
    refused = tuple(readings[place] for place in places)
    lines = Lines(refused=refused)
    async with store_on(lines.answer) as store:
        with pytest.raises(PartialWriteError, match="something is wrong") as caught:
            await store.write(readings)
    assert caught.value.rejected == refused
    assert lines.seconds == [second for second in range(500) if second not in places]


async def test_a_refusal_that_is_not_influxdbs_own_rejects_nothing() -> None:
    for text in ("<html>Bad Request</html>", "[]", '"no"', ""):
        async with store_on(says(400, text)) as store:
            with pytest.raises(RetryableError):
                await store.write([reading(1)])


async def test_a_failure_while_parts_are_written_leaves_all_to_be_written_again() -> None:
    requests = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal requests
        requests += 1
        return web.Response(status=413 if requests == 1 else 204 if requests == 2 else 503)

    async with store_on(answer) as store:
        with pytest.raises(RetryableError):
            await store.write([reading(1), reading(2)])
    assert requests == 3


async def test_no_answer_in_time() -> None:
    done = asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        await done.wait()
        return web.Response(status=204)

    async with store_on(answer, patience=timedelta(milliseconds=50)) as store:
        for call in (store.write([reading(1)]), store.latest("village", since=at(0)), store.ping()):
            with pytest.raises(RetryableError, match="does not answer: TimeoutError"):
                await call
        done.set()


@pytest.mark.parametrize(
    "url",
    [f"http://127.0.0.1:{free_port()}", "influxdb:8086", "http://", "ftp://x"],
    # Named by hand: a port that changes would be another test for each worker that collects it.
    ids=["free port", "no scheme", "no host", "wrong scheme"],
)
async def test_nobody_there(url: str) -> None:
    async with InfluxTelemetryStore(url=url, token="t", org="o", bucket="b") as store:
        for call in (store.write([reading(1)]), store.latest("village", since=at(0)), store.ping()):
            with pytest.raises(RetryableError, match="does not answer"):
                await call


async def test_a_query_that_influxdb_refuses_says_why() -> None:
    async with store_on(says(400, '{"code": "invalid", "message": "compilation failed"}')) as store:
        with pytest.raises(RetryableError, match=r"400.*compilation failed"):
            await store.latest("village", since=at(0))


_TABLE = ",result,table,_time,_value,device_id\r\n,_result,0,2026-11-23T10:00:01.5Z,4.25,meter\r\n\r\n"


async def test_an_answer_may_come_in_any_pieces() -> None:
    # The second table has its columns in another order.
    text = (
        _TABLE
        + ",result,table,device_id,_time,_value\r\n,_result,1,solar,2026-11-23T10:00:00Z,-1e-07\r\n\r\n"
    )

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for byte in text.encode():
            await response.write(bytes([byte]))
        return response

    async with store_on(answer) as store:
        points = await store.history("village", "battery_soc", start=at(0), end=at(9))
    assert [(point.device_id, point.time, point.value) for point in points] == [
        ("solar", at(0), -1e-7),
        ("meter", at(1.5), 4.25),
    ]


@pytest.mark.parametrize(
    "text",
    [
        _TABLE + ",error,reference\r\n,memory limit exceeded,897\r\n",
        _TABLE + "error,reference\r\nmemory limit exceeded,897\r\n",
        "<html>\n<body>Please log in</body>\n</html>\n",
    ],
)
async def test_an_answer_that_breaks_off_is_no_answer(text: str) -> None:
    async with store_on(says(200, text)) as store:
        with pytest.raises(RetryableError, match="broke off"):
            await store.history("village", "battery_soc", start=at(0), end=at(9))


async def test_a_connection_that_breaks_in_the_middle_of_an_answer() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(_TABLE.encode())
        assert request.transport is not None
        request.transport.abort()
        return response

    async with store_on(answer) as store:
        with pytest.raises(RetryableError, match="does not answer"):
            await store.history("village", "battery_soc", start=at(0), end=at(9))
