"""Users with passwords, on fakes, for the tests of what they may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import httpx
from fastapi import FastAPI
from pwdlib.hashers.argon2 import Argon2Hasher
from services.api.tests.stopped_clock import Clock

from microgrid_api.app import create_app
from microgrid_api.identity.local_users.passwords import Passwords
from microgrid_api.identity.local_users.token_signing import TokenSigner
from microgrid_api.identity.local_users.wiring import LocalUsers, local_users
from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_common.ports.push_tokens import PushTokens
from microgrid_common.schemas.user import Role
from microgrid_common.testing.fakes.login_attempts import FakeLoginAttempts
from microgrid_common.testing.fakes.login_store import FakeLoginStore
from microgrid_common.testing.fakes.push_tokens import FakePushTokens
from microgrid_common.testing.fakes.revocations import FakeRevocations
from microgrid_common.testing.fakes.user_store import FakeUserStore

PASSWORD = "correct horse"
KEY = b"k" * 32

_QUICK = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass
class People:
    """Users, and the stores that know of them."""

    now: Clock
    users: FakeUserStore = field(default_factory=FakeUserStore)
    logins: FakeLoginStore = field(default_factory=FakeLoginStore)
    attempts: FakeLoginAttempts = field(default_factory=FakeLoginAttempts)
    revocations: FakeRevocations = field(init=False)
    push_tokens: PushTokens = field(default_factory=FakePushTokens)
    local: LocalUsers = field(init=False)

    def __post_init__(self) -> None:
        self.revocations = FakeRevocations(now=self.now)
        self.local = local_users(
            users=self.users,
            logins=self.logins,
            attempts=self.attempts,
            revocations=self.revocations,
            push_tokens=self.push_tokens,
            signer=TokenSigner(KEY, now=self.now),
            passwords=Passwords(_QUICK),
            now=self.now,
        )

    async def make(self, username: str, grants: Mapping[str, Role]) -> None:
        """Make a user whose password is `PASSWORD`."""
        await self.local.desk.create(username, name=username, grants=grants, password=PASSWORD)

    async def token(self, username: str) -> str:
        """An access token of a user that was made before."""
        return (await self.local.identity.log_in(username, PASSWORD)).access_token


def app_with(people: People, ports: ApiPorts, feed: LiveFeed) -> FastAPI:
    """The API, to which these people sign in."""
    changed = replace(ports, identity=people.local.identity, local_users=people.local)
    return create_app(changed, feed=feed, live_clients_limit=3, now=people.now)


def client_of(app: FastAPI, token: str | None = None) -> httpx.AsyncClient:
    """A client with a token; None: without."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(transport=transport, base_url="http://monitor.example", headers=headers)
