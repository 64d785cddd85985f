"""Opens the identity that the settings choose."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from microgrid_api.identity.local_users.wiring import LocalUsers
from microgrid_api.identity.prototype import PrototypeIdentity
from microgrid_api.settings import ApiSettings
from microgrid_common.adapters.cognito.identity import CognitoIdentity
from microgrid_common.adapters.cognito.user_pool import UserPool, cognito_url
from microgrid_common.ports.identity import Identity
from microgrid_common.ports.revocations import Revocations


@asynccontextmanager
async def open_identity(
    settings: ApiSettings, local: LocalUsers | None, revocations: Revocations
) -> AsyncIterator[Identity]:
    """The identity of a mode; it connects when it is first needed.

    Args:
        settings: with the mode.
        local: the users who are kept here; None in another mode.
        revocations: where logins that were ended are remembered.
    """
    if local is not None:
        yield local.identity
    elif settings.auth_mode == "cognito":
        cognito = _cognito(settings, revocations)
        try:
            yield cognito
        finally:
            await cognito.aclose()
    else:
        yield PrototypeIdentity()


def _cognito(settings: ApiSettings, revocations: Revocations) -> CognitoIdentity:
    pool = UserPool(
        url=settings.cognito_url or cognito_url(settings.cognito_region),
        pool_id=settings.cognito_user_pool_id,
        client_id=settings.cognito_client_id,
        client_secret=settings.cognito_client_secret,
    )
    return CognitoIdentity(
        pool,
        revocations,
        refresh_lifetime=timedelta(days=settings.cognito_refresh_days),
        accept_id_tokens=settings.cognito_accept_id_tokens,
    )
