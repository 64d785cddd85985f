"""Puts the local users together."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from microgrid_api.identity.local_users.ending_logins import LoginEnder
from microgrid_api.identity.local_users.identity import LocalIdentity
from microgrid_api.identity.local_users.passwords import Passwords
from microgrid_api.identity.local_users.token_signing import TokenSigner
from microgrid_api.identity.local_users.user_desk import UserDesk
from microgrid_common.ports.login_attempts import LoginAttempts
from microgrid_common.ports.login_store import LoginStore
from microgrid_common.ports.push_tokens import PushTokens
from microgrid_common.ports.revocations import Revocations
from microgrid_common.ports.user_store import UserStore


def utc_now() -> datetime:
    """The present, aware."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class LocalUsers:
    """The two sides of users who are kept here."""

    identity: LocalIdentity
    """Lets them in."""
    desk: UserDesk
    """Manages them."""


def local_users(
    *,
    users: UserStore,
    logins: LoginStore,
    attempts: LoginAttempts,
    revocations: Revocations,
    push_tokens: PushTokens,
    signer: TokenSigner,
    passwords: Passwords | None = None,
    now: Callable[[], datetime] = utc_now,
) -> LocalUsers:
    """Put the local users together.

    Args:
        users: who there is.
        logins: who is logged in.
        attempts: how often it was tried.
        revocations: logins that ended before their access tokens.
        push_tokens: phones that a login reaches.
        signer: signs and reads tokens.
        passwords: hashes passwords; None: as it is recommended.
        now: the present, aware, in UTC.
    """
    passwords = passwords or Passwords()
    ender = LoginEnder(logins=logins, revocations=revocations, push_tokens=push_tokens, now=now)
    identity = LocalIdentity(
        users=users,
        logins=logins,
        attempts=attempts,
        revocations=revocations,
        ender=ender,
        passwords=passwords,
        signer=signer,
        now=now,
    )
    return LocalUsers(identity, UserDesk(users=users, ender=ender, passwords=passwords, now=now))
