"""Who calls is who connects, unless a proxy that is trusted says otherwise."""

import httpx
import pytest
from fastapi import FastAPI, Request

from microgrid_api.service import _uvicorn_config
from microgrid_api.settings import ApiSettings

PROXY, STRANGER, CALLER = "172.18.0.5", "203.0.113.9", "198.51.100.7"


async def address_seen(connected: str, trusted: list[str]) -> str:
    app = FastAPI()

    @app.get("/")
    async def who(request: Request) -> str:
        assert request.client
        return request.client.host

    config = _uvicorn_config(app, trusted)
    config.load()
    transport = httpx.ASGITransport(config.loaded_app, client=(connected, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        answer = await client.get("/", headers={"X-Forwarded-For": CALLER})
    return str(answer.json())


@pytest.mark.parametrize(
    ("connected", "trusted", "seen"),
    [
        (PROXY, ["172.16.0.0/12"], CALLER),
        (PROXY, [PROXY], CALLER),
        (STRANGER, ["172.16.0.0/12"], STRANGER),
        (PROXY, [], PROXY),
        # uvicorn itself would trust a proxy on the same machine.
        ("127.0.0.1", [], "127.0.0.1"),
    ],
)
async def test_only_a_trusted_proxy_is_believed(connected: str, trusted: list[str], seen: str) -> None:
    assert await address_seen(connected, trusted) == seen


def test_proxies_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGRID_API_TRUSTED_PROXIES", "10.0.0.5, 172.16.0.0/12")
    assert list(map(str, ApiSettings().api_trusted_proxies)) == ["10.0.0.5/32", "172.16.0.0/12"]
