"""Puts those users together that are kept here."""

from microgrid_api.identity.local_users.signing_key import kept_signing_key
from microgrid_api.identity.local_users.token_signing import TokenSigner
from microgrid_api.identity.local_users.wiring import LocalUsers, local_users, utc_now
from microgrid_api.settings import ApiSettings
from microgrid_common.ports.login_attempts import LoginAttempts
from microgrid_common.ports.login_store import LoginStore
from microgrid_common.ports.push_tokens import PushTokens
from microgrid_common.ports.revocations import Revocations
from microgrid_common.ports.user_store import UserStore


def local_users_of(
    settings: ApiSettings,
    *,
    users: UserStore,
    logins: LoginStore,
    attempts: LoginAttempts,
    revocations: Revocations,
    push_tokens: PushTokens,
) -> LocalUsers | None:
    """The users who are kept here; None in another mode.

    Raises:
        OSError: the signing key cannot be read from the data folder, or written to it.
    """
    if settings.auth_mode != "local":
        return None
    given, previous = settings.auth_signing_key, settings.auth_previous_signing_key
    signer = TokenSigner(
        given.get_secret_value().encode() if given else kept_signing_key(settings.data_dir),
        previous_key=previous.get_secret_value().encode() if previous else None,
        now=utc_now,
    )
    return local_users(
        users=users,
        logins=logins,
        attempts=attempts,
        revocations=revocations,
        push_tokens=push_tokens,
        signer=signer,
    )
