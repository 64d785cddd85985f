"""The signing keys of a user pool: fetched when there is reason to, and never for everybody who asks."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from aiohttp import ClientTimeout
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import int_to_base64
from structlog.testing import capture_logs

from microgrid_common.adapters.cognito import answers
from microgrid_common.adapters.cognito.signing_keys import FRESH_FOR, PAUSE, USABLE_FOR, SigningKeys
from microgrid_common.ports.errors import RetryableError
from microgrid_common.testing.jwks_server import JwksServer, jwks_server, signing_key
from microgrid_common.testing.waiting import wait_until


@dataclass
class Clock:
    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def server() -> AsyncIterator[JwksServer]:
    async with jwks_server() as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def keys(server: JwksServer, clock: Clock) -> AsyncIterator[SigningKeys]:
    keys = SigningKeys(server.url, monotonic=clock)
    yield keys
    await keys.aclose()


async def names(keys: SigningKeys, *candidates: str) -> list[str]:
    return [name for name in candidates if await keys.get(name) is not None]


def public(key: RSAKey) -> dict[str, object]:
    return dict(key.as_dict(private=False))


async def test_all_keys_come_with_one_fetch(server: JwksServer, keys: SigningKeys) -> None:
    for _ in range(3):
        assert await names(keys, "one", "two") == ["one", "two"]
    key = await keys.get("one")
    assert key is not None
    assert key.as_dict(private=False)["n"] == signing_key("one").as_dict()["n"]
    assert server.asked == 1


async def test_those_who_ask_at_the_same_time_share_a_fetch(server: JwksServer, keys: SigningKeys) -> None:
    server.held = asyncio.Event()
    asking = [asyncio.create_task(keys.get(name)) for name in ("one", "two", "unknown") * 10]
    await wait_until(lambda: server.asked, timeout=5, description="the fetch")
    server.held.set()
    assert [key is not None for key in await asyncio.gather(*asking)] == [True, True, False] * 10
    assert server.asked == 1


async def test_one_who_gives_up_does_not_end_the_fetch_of_others(
    server: JwksServer, keys: SigningKeys
) -> None:
    server.held = asyncio.Event()
    impatient, patient = (asyncio.create_task(keys.get("one")) for _ in range(2))
    await wait_until(lambda: server.asked, timeout=5, description="the fetch")
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    assert impatient.cancelled()
    server.held.set()
    assert await patient is not None
    assert server.asked == 1


async def test_unknown_names_do_not_make_it_hammer(
    server: JwksServer, keys: SigningKeys, clock: Clock
) -> None:
    assert await names(keys, *(f"forged-{number}" for number in range(100))) == []
    assert server.asked == 1
    clock.seconds += PAUSE.total_seconds() - 0.1
    assert await names(keys, "forged", "one") == ["one"]
    assert server.asked == 1
    clock.seconds += 0.2
    assert await names(keys, *(f"forged-{number}" for number in range(100))) == []
    assert server.asked == 2


async def test_a_new_key_is_fetched_when_a_token_names_it(
    server: JwksServer, keys: SigningKeys, clock: Clock
) -> None:
    await keys.get("one")
    server.keys = [signing_key("two"), signing_key("three")]
    clock.seconds += PAUSE.total_seconds()
    assert await names(keys, "three", "two", "one") == ["three", "two"]
    assert server.asked == 2


async def test_old_keys_are_used_while_newer_ones_are_fetched(
    server: JwksServer, keys: SigningKeys, clock: Clock
) -> None:
    await keys.get("one")
    server.keys = [signing_key("two")]
    server.held = asyncio.Event()
    clock.seconds += FRESH_FOR.total_seconds()
    assert await names(keys, "one", "two") == ["one", "two"]
    server.held.set()

    async def withdrawn() -> bool:
        return await keys.get("one") is None

    await wait_until(withdrawn, timeout=5, description="the key to be withdrawn")
    assert await names(keys, "two") == ["two"]
    assert server.asked == 2


async def test_the_last_keys_are_used_for_a_while_when_there_are_no_newer_ones(
    server: JwksServer, keys: SigningKeys, clock: Clock
) -> None:
    await keys.get("one")
    server.status = 503
    clock.seconds += USABLE_FOR.total_seconds() - 1
    assert await keys.get("one") is not None
    await wait_until(lambda: server.asked == 2, timeout=5, description="the fetch")
    # Whether there is such a key cannot be said now: it may be a new one.
    with pytest.raises(RetryableError):
        await keys.get("three")
    assert await keys.get("one") is not None

    clock.seconds += 1
    with pytest.raises(RetryableError):
        await keys.get("one")
    server.status = 200
    clock.seconds += PAUSE.total_seconds()
    assert await keys.get("one") is not None


async def test_without_keys_it_says_when_to_ask_again(
    server: JwksServer, keys: SigningKeys, clock: Clock
) -> None:
    server.status = 500
    with capture_logs() as lines:
        for _ in range(20):
            with pytest.raises(RetryableError) as refused:
                await keys.get("one")
            assert refused.value.retry_after == PAUSE
        assert server.asked == 1
        clock.seconds += PAUSE.total_seconds()
        with pytest.raises(RetryableError):
            await keys.get("one")
        assert server.asked == 2
        server.status = 200
        clock.seconds += PAUSE.total_seconds()
        assert await keys.get("one") is not None
    assert [line["event"] for line in lines] == ["dependency_away", "dependency_back"]


SHORT_MODULUS = int_to_base64((1 << 1023) + 1)


def set_of(*described: object) -> bytes:
    return json.dumps({"keys": described}).encode()


def changed(**changes: object) -> bytes:
    return set_of({**public(signing_key("one")), **changes})


def elliptic(name: str) -> object:
    return ECKey.generate_key("P-256", {"kid": name}).as_dict(private=False)


UNUSABLE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "a page": lambda: b"<html>",
    "a list": lambda: b"[]",
    "no list": lambda: b'{"keys": {}}',
    "no key": set_of,
    "no keys at all": lambda: set_of(None, 1, "one", {}),
    "deeply nested": lambda: b"[" * 60_000,
    "too long": lambda: changed(padding=" " * 70_000),
    "too many": lambda: set_of(*[{}] * 50, public(signing_key("one"))),
    "a secret": lambda: set_of({"kty": "oct", "kid": "one", "k": "c2VjcmV0"}),
    "an elliptic curve": lambda: set_of(elliptic("one")),
    "a short key": lambda: changed(n=SHORT_MODULUS),
    "no number": lambda: changed(n="!"),
    "no exponent": lambda: changed(e="AA"),
    "for encryption": lambda: changed(use="enc"),
    "another algorithm": lambda: changed(alg="RS512"),
    "no name": lambda: changed(kid=None),
    "a long name": lambda: changed(kid="x" * 129),
}


@pytest.mark.parametrize("document", UNUSABLE.values(), ids=UNUSABLE)
async def test_a_document_without_a_usable_key_changes_nothing(
    server: JwksServer, keys: SigningKeys, clock: Clock, document: Callable[[], bytes]
) -> None:
    server.document = document()
    with pytest.raises(RetryableError):
        await keys.get("one")
    server.document = None
    clock.seconds += PAUSE.total_seconds()
    assert await names(keys, "one", "two") == ["one", "two"]
    server.document = document()
    clock.seconds += PAUSE.total_seconds()
    with pytest.raises(RetryableError):
        await keys.get("three")
    assert await names(keys, "one", "two") == ["one", "two"]


async def test_keys_of_other_kinds_do_not_disturb(server: JwksServer, keys: SigningKeys) -> None:
    server.document = set_of(elliptic("ec"), {"kty": "AKP", "kid": "pq"}, public(signing_key("one")))
    assert await names(keys, "ec", "pq", "one") == ["one"]


@pytest.mark.parametrize("status", [302, 404, 429])
async def test_another_status_is_no_answer(server: JwksServer, keys: SigningKeys, status: int) -> None:
    server.status = status
    with pytest.raises(RetryableError, match=str(status)):
        await keys.get("one")


async def test_it_does_not_wait_for_ever(
    server: JwksServer, keys: SigningKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "TIMEOUT", ClientTimeout(total=0.05))
    server.held = asyncio.Event()
    with pytest.raises(RetryableError):
        await keys.get("one")


async def test_closing_ends_a_fetch(server: JwksServer, keys: SigningKeys) -> None:
    server.held = asyncio.Event()
    asking = asyncio.create_task(keys.get("one"))
    await wait_until(lambda: server.asked, timeout=5, description="the fetch")
    await keys.aclose()
    with pytest.raises(asyncio.CancelledError):
        await asking
