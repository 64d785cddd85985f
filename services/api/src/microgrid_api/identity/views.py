"""The JSON of logins and users."""

# ruff: noqa: S106 - examples for the documentation

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr, StringConstraints

from microgrid_api.identity.local_users.passwords import LONGEST_PASSWORD
from microgrid_api.identity.permissions import LEAST_ROLE, may
from microgrid_api.web.wire_time import WireTime
from microgrid_common.ports.identity import Caller, Tokens
from microgrid_common.schemas.user import GrantsOfUser, Role, User, Username

_GRANTS: dict[str, JsonValue] = {"village-1": "community_operator"}


def _example(**fields: JsonValue) -> ConfigDict:
    return ConfigDict(extra="forbid", use_attribute_docstrings=True, json_schema_extra={"examples": [fields]})


Password = Annotated[SecretStr, Field(min_length=1, max_length=LONGEST_PASSWORD)]
DisplayName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,120}$")]


class TokensView(BaseModel):
    """What a login gives."""

    model_config = _example(
        access_token="eyJhbGciOi…", token_type="bearer", expires_in=900, refresh_token="eyJhbGciOi…"
    )

    access_token: str
    """A JWT, to be sent as `Authorization: Bearer …`."""
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme
    expires_in: int | None
    """Seconds that the access token is good for; null: without an end."""
    refresh_token: str | None
    """Gives new tokens, once; null where there is none."""

    @classmethod
    def of(cls, tokens: Tokens) -> Self:
        """The tokens as they are sent."""
        seconds = None if tokens.expires_in is None else int(tokens.expires_in.total_seconds())
        return cls(access_token=tokens.access_token, expires_in=seconds, refresh_token=tokens.refresh_token)


class RefreshOrder(BaseModel):
    """What new tokens are asked for with."""

    model_config = _example(refresh_token="eyJhbGciOi…")

    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=8_192)]


class PasswordChange(BaseModel):
    """A user's own new password."""

    model_config = _example(current_password="the old one", new_password="a longer new one")

    current_password: Password
    new_password: Password


class CallerView(BaseModel):
    """Who is logged in, and what they may do."""

    model_config = _example(
        username="maria",
        grants=_GRANTS,
        permissions={"village-1": ["view", "handle_alarms"]},
        expires_at="2026-11-23T10:15:00.000Z",
    )

    username: str
    grants: dict[str, Role]
    """Grid id, or `*` for every grid, to the role there."""
    permissions: dict[str, list[str]]
    """The same, as what may be done there: the app hides what would be refused."""
    expires_at: WireTime | None
    """When the access token ends; null: never."""

    @classmethod
    def of(cls, caller: Caller) -> Self:
        """A caller as they are shown to themselves."""
        return cls(
            username=caller.username,
            grants=dict(caller.grants),
            permissions={
                scope: [permission.value for permission in LEAST_ROLE if may(caller, permission, scope)]
                for scope in caller.grants
            },
            expires_at=caller.expires_at,
        )


class NewUser(BaseModel):
    """A user to be made."""

    model_config = _example(
        username="maria", name="María Pérez", grants=_GRANTS, password="a long enough one"
    )

    username: Username
    name: DisplayName
    grants: GrantsOfUser
    """Grid id, or `*` for every grid, to the role there."""
    password: Password


class ChangedUser(BaseModel):
    """What a user is to be from now on."""

    model_config = _example(name="María Pérez", grants=_GRANTS, disabled=False, version=1)

    name: DisplayName
    grants: GrantsOfUser
    disabled: bool = False
    """Cannot log in."""
    version: Annotated[int, Field(ge=1, le=999_999_999)] | None = None
    """The version that is replaced; or `If-Match` says it."""


class NewPassword(BaseModel):
    """A password that an administrator gives somebody."""

    model_config = _example(password="a long enough one")

    password: Password


class UserView(BaseModel):
    """A user."""

    model_config = _example(
        username="maria",
        name="María Pérez",
        grants=_GRANTS,
        disabled=False,
        version=1,
        created_at="2026-11-23T10:00:00.000Z",
        password_changed_at="2026-11-23T10:00:00.000Z",
    )

    username: str
    name: str
    grants: dict[str, Role]
    disabled: bool
    version: int
    created_at: WireTime
    password_changed_at: WireTime

    @classmethod
    def of(cls, user: User) -> Self:
        """A user as administrators see them."""
        return cls(**dict(user))


class LoggedOutView(BaseModel):
    """How many logins were ended."""

    model_config = _example(logins_ended=2)

    logins_ended: int
