"""Running the server: where it listens, and how it stops."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta

import httpx
import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import connect

from microgrid_api import service
from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_api.service import run
from microgrid_api.web.listening import CannotListenError, is_loopback, listen
from microgrid_common.runtime import tasks
from microgrid_common.testing.waiting import free_port, wait_until

Serve = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture
def serve(ports: ApiPorts) -> Serve:
    """Runs the API while the block runs; gives its address."""

    @asynccontextmanager
    async def serving(host: str = "127.0.0.1") -> AsyncIterator[str]:
        port, stop = free_port(), asyncio.Event()
        running = asyncio.create_task(run(ports, host=host, port=port, stream_shards=4, stop=stop))
        address = f"{host}:{port}"
        async with httpx.AsyncClient() as client:

            async def answers() -> bool:
                return (await client.get(f"http://{address}/healthz")).is_success

            await wait_until(answers, timeout=30, description="the API to answer")
        yield address
        stop.set()
        # One that waits for its clients never ends; two seconds are not much on a busy machine.
        async with asyncio.timeout(10):
            await running

    return serving


async def test_it_serves_http_and_says_where(ports: ApiPorts) -> None:
    stop = asyncio.Event()
    with capture_logs() as lines:
        running = asyncio.create_task(run(ports, host="127.0.0.1", port=0, stream_shards=4, stop=stop))
        (line,) = await wait_until(
            lambda: [line for line in lines if line["event"] == "api_listening"],
            timeout=30,
            description="the address in the log",
        )
        async with httpx.AsyncClient(base_url=line["addresses"][0]) as client:
            answer = await client.get("/healthz")
        stop.set()
        await running
    assert answer.json() == {"status": "alive"}
    assert "server" not in answer.headers


async def test_it_stops_soon_though_clients_are_connected(serve: Serve) -> None:
    async with serve() as address:
        watching = await connect(f"ws://{address}/api/live?token=prototype_token")
        await watching.recv()
        lingering = await asyncio.open_connection(*address.split(":"))
    await watching.wait_closed()
    assert watching.close_code == 1012
    lingering[1].close()


async def test_it_stops_soon_though_a_client_reads_nothing(serve: Serve, log: object) -> None:
    async with serve() as address:
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(
            b"GET /api/live?token=prototype_token HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 101")
    writer.close()


async def test_it_stops_soon_though_an_answer_takes_for_ever(
    serve: Serve, ports: ApiPorts, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def take_for_ever() -> None:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(ports.rules, "book", take_for_ever)
    monkeypatch.setattr(service, "_SHUTDOWN_SECONDS", 0.1)
    async with serve() as address:
        _, writer = await asyncio.open_connection(*address.split(":"))
        writer.write(
            b"GET /api/rules HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer prototype_token\r\n\r\n"
        )
        await asked.wait()
    writer.close()


async def test_it_stops_though_its_feed_loses_a_cancellation(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hard_of_hearing(_: LiveFeed) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    monkeypatch.setattr(LiveFeed, "run", hard_of_hearing)
    monkeypatch.setattr(tasks, "CANCEL_AGAIN_AFTER", timedelta(milliseconds=10))
    async with serve():
        pass


async def test_the_signals_stay_those_of_the_process(serve: Serve) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with serve():
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


async def test_a_port_in_use_is_named_with_its_setting(ports: ApiPorts) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListenError) as caught:
            await run(ports, host="127.0.0.1", port=port, stream_shards=4, stop=asyncio.Event())
    assert str(caught.value) == (f"port {port} on 127.0.0.1 is in use; set MICROGRID_API_PORT to another one")


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
async def test_it_does_not_run_where_other_machines_reach_it(ports: ApiPorts, host: str) -> None:
    with pytest.raises(CannotListenError, match="not loopback"):
        await run(ports, host=host, port=0, stream_shards=4, stop=asyncio.Event())


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "a" * 300, "\x00"])
def test_a_host_that_is_not_of_this_machine_is_named(host: str) -> None:
    with pytest.raises(CannotListenError, match="MICROGRID_API_HOST"):
        listen(host, 0)


async def test_localhost_is_every_loopback_address_on_one_port(serve: Serve) -> None:
    sockets = listen("localhost", 0)
    names = [listener.getsockname()[:2] for listener in sockets]
    for listener in sockets:
        listener.close()
    assert "127.0.0.1" in {host for host, _ in names}
    assert len({port for _, port in names}) == 1
    assert all(is_loopback(host) for host, _ in names)


def test_the_body_of_an_answer_does_not_wait_until_its_head_was_acknowledged() -> None:
    (listener,) = listen("127.0.0.1", 0)
    listener.settimeout(5)
    with listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
