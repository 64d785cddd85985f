"""Chooses how users are known."""

from redis.asyncio import Redis

from microgrid_api.local_users.signing_key import kept_signing_key
from microgrid_api.local_users.token_signing import TokenSigner
from microgrid_api.local_users.wiring import LocalUsers, local_users, utc_now
from microgrid_api.remembered_revocations import RememberedRevocations
from microgrid_api.settings import ApiSettings
from microgrid_common.adapters.redis.login_attempts import RedisLoginAttempts
from microgrid_common.adapters.redis.login_store import RedisLoginStore
from microgrid_common.adapters.redis.revocations import RedisRevocations
from microgrid_common.adapters.redis.user_store import RedisUserStore
from microgrid_common.ports.push_tokens import PushTokens


def local_users_of(settings: ApiSettings, client: Redis, push_tokens: PushTokens) -> LocalUsers | None:
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
        users=RedisUserStore(client),
        logins=RedisLoginStore(client),
        attempts=RedisLoginAttempts(client),
        revocations=RememberedRevocations(RedisRevocations(client)),
        push_tokens=push_tokens,
        signer=signer,
    )
