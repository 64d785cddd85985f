"""Settings of the API."""

from typing import Annotated, Literal

from pydantic import Field, IPvAnyNetwork, SecretStr, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

from microgrid_api.identity.local_users.token_signing import SHORTEST_KEY
from microgrid_api.web.listening import is_loopback
from microgrid_common.runtime.settings import GridSettings, Port, RedisSettings, TelemetryStoreSettings

AuthMode = Literal["prototype", "local", "cognito"]
"""How users are known: `prototype` has one fixed user and one fixed token, `local` users with passwords,
`cognito` those of an Amazon Cognito user pool."""

SigningKey = Annotated[SecretStr, Field(min_length=SHORTEST_KEY, max_length=1_024)]

Region = Annotated[str, StringConstraints(pattern=r"^([a-z]{2,3}(-[a-z]+)+-[0-9]{1,2})?$")]
UserPoolId = Annotated[str, StringConstraints(pattern=r"^([a-z0-9-]+_[0-9A-Za-z]+)?$", max_length=55)]
ClientId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_+]*$", max_length=128)]

# Passwords go there: in clear text to this machine only.
CognitoUrl = Annotated[
    str,
    StringConstraints(
        pattern=r"^(https://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?)$"
    ),
]

# A path or a `*` would never match what a browser sends as `Origin`, or match too much.
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.:\[\]-]{1,253}$")]


class ApiSettings(RedisSettings, TelemetryStoreSettings, GridSettings):
    """What the API reads from `MICROGRID_…` variables and `.env`."""

    auth_mode: AuthMode = "prototype"
    """Before `api_host`, whose check looks at it."""
    auth_signing_key: SigningKey | None = None
    """What tokens are signed with in the mode `local`, at least 32 characters, the same for every replica;
    None: one that is made at the first start and kept in the data folder."""
    auth_previous_signing_key: SigningKey | None = None
    """Still believed after `auth_signing_key` was changed, until its tokens have ended: 90 days."""
    cognito_region: Region = ""
    """Such as `eu-west-1`; it, the pool and the app client are needed in the mode `cognito`."""
    cognito_user_pool_id: UserPoolId = ""
    """Such as `eu-west-1_AbCdEfGhI`."""
    cognito_client_id: ClientId = ""
    """The app client whose tokens are accepted."""
    cognito_client_secret: SecretStr | None = None
    """None for an app client without one."""
    cognito_refresh_days: Annotated[float, Field(gt=0, le=3_653)] = 30
    """How long the refresh tokens of the app client are good for."""
    cognito_accept_id_tokens: bool = False
    """Whether id tokens are as good as access tokens."""
    cognito_url: CognitoUrl | None = None
    """Where Cognito is; None: where it is in that region."""
    api_host: str = "127.0.0.1"
    """The address to listen on."""
    api_port: Port = 8000
    """The TCP port to listen on; 0 takes a free one."""
    api_cors_origins: Annotated[tuple[Origin, ...], NoDecode] = ()
    """Web origins whose pages may call the API, such as `http://localhost:5000`, separated by commas."""
    api_trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = ()
    """Addresses or networks of the proxies in front of the API, separated by commas. What they say about who
    calls (`X-Forwarded-For`) is believed: it counts at the limit on wrong passwords, and is put on record."""
    api_live_clients: Annotated[int, Field(ge=1, le=100_000)] = 2_000
    """How many live connections may be open at once."""
    api_longest_shelving_hours: Annotated[float, Field(gt=0, le=366 * 24)] = 24
    """For how long an operator may put an alarm aside at once."""
    api_user_requests_per_second: Annotated[float, Field(ge=0, le=1e6)] = 50
    """Of each user, and ten times as many at once after a rest; 0: any number. Each replica counts alone."""
    api_address_requests_per_second: Annotated[float, Field(ge=0, le=1e6)] = 200
    """Of each address, likewise: behind one there may be a village."""
    api_hsts_seconds: Annotated[int, Field(ge=0, le=63_072_000)] = 0
    """For how long browsers are told to come by HTTPS alone (RFC 6797); 0: they are not told."""

    @field_validator("cognito_region", "cognito_user_pool_id", "cognito_client_id")
    @classmethod
    def _cognito_needs_to_be_named(cls, value: str, earlier: ValidationInfo) -> str:
        if not value and earlier.data.get("auth_mode") == "cognito":
            raise PydanticCustomError("needed", "it is needed where MICROGRID_AUTH_MODE is cognito")
        return value

    @field_validator("api_cors_origins", "api_trusted_proxies", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(origin for part in value.split(",") if (origin := part.strip()))
        return value

    @field_validator("api_host")
    @classmethod
    def _prototype_mode_stays_on_loopback(cls, host: str, earlier: ValidationInfo) -> str:
        if earlier.data.get("auth_mode") == "prototype" and not is_loopback(host):
            raise PydanticCustomError(
                "not_loopback",
                "the prototype sign-in with its fixed token may only listen on loopback: "
                "127.0.0.1, ::1 or localhost",
            )
        return host
