"""Revocations that are asked for once a second."""

from datetime import timedelta

import pytest

from microgrid_api.identity.remembered_revocations import RememberedRevocations
from microgrid_common.ports.errors import RetryableError
from microgrid_common.testing.fakes.revocations import FakeRevocations
from microgrid_common.testing.samples import SAMPLE_TIME

LATER = SAMPLE_TIME + timedelta(hours=1)


class World:
    def __init__(self) -> None:
        self.seconds = 0.0
        self.store = FakeRevocations(now=lambda: SAMPLE_TIME)
        self.remembered = RememberedRevocations(self.store, most=2, monotonic=lambda: self.seconds)


async def test_what_is_revoked_elsewhere_shows_after_a_second() -> None:
    world = World()
    assert not await world.remembered.revoked("a")
    await world.store.revoke("a", until=LATER)
    world.seconds = 0.9
    assert not await world.remembered.revoked("a")
    world.seconds = 1.0
    assert await world.remembered.revoked("a")


async def test_what_is_revoked_here_shows_at_once_and_stays() -> None:
    world = World()
    assert not await world.remembered.revoked("a")
    await world.remembered.revoke("a", until=LATER)
    assert await world.remembered.revoked("a")
    world.seconds = 1_000
    world.store.fail_next(RetryableError("away"))
    assert await world.remembered.revoked("a")


async def test_while_the_store_is_away_what_is_not_known_is_not_guessed() -> None:
    world = World()
    assert not await world.remembered.revoked("a")
    world.seconds = 2
    world.store.fail_next(RetryableError("away"))
    with pytest.raises(RetryableError):
        await world.remembered.revoked("a")


async def test_of_too_many_the_oldest_are_asked_for_again() -> None:
    world = World()
    for login_id in ("a", "b", "c"):
        await world.remembered.revoked(login_id)
        await world.store.revoke(login_id, until=LATER)
    assert await world.remembered.revoked("a")
    assert not await world.remembered.revoked("c")
