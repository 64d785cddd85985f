"""Users, for administrators: who may log in, and what they may do where."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Response

from microgrid_api.context import Context
from microgrid_api.identity.access import Everywhere
from microgrid_api.identity.auditing import Audit, Change
from microgrid_api.identity.local_users.passwords import WeakPasswordError
from microgrid_api.identity.local_users.refusals import weak_password
from microgrid_api.identity.local_users.user_desk import LastAdministratorError, UnknownUserError, UserDesk
from microgrid_api.identity.permissions import Permission
from microgrid_api.identity.views import ChangedUser, LoggedOutView, NewPassword, NewUser, UserView
from microgrid_api.web.body_limit import BODY_REFUSED
from microgrid_api.web.entity_tags import IfMatch, check_version, expected_version, tag
from microgrid_api.web.errors import InvalidRequest, Problem, asking
from microgrid_common.ports.rule_store import VersionConflictError
from microgrid_common.schemas.user import USERNAME_PATTERN, User


async def _desk(context: Context) -> UserDesk:
    if context.ports.local_users is None:
        raise HTTPException(HTTPStatus.CONFLICT, "Users are not kept here, but where they log in.")
    return context.ports.local_users.desk


_Desk = Annotated[UserDesk, Depends(_desk)]

router = APIRouter(
    prefix="/api/users",
    tags=["users"],
    # Who may not know of it does not learn either whether users are kept here.
    dependencies=[Depends(Everywhere(Permission.MANAGE_USERS)), Depends(_desk)],
    responses={
        401: {"model": Problem, "description": "The token is missing or not valid."},
        403: {"model": Problem, "description": "Your role does not allow this."},
        409: {"model": Problem, "description": "As things stand it cannot be done; it says why."},
        422: {"model": InvalidRequest, "description": "It says what is allowed."},
        503: {"model": Problem, "description": "The store is away; see `Retry-After`."},
    },
)

_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "There is no such user."}
}
_Username = Annotated[str, Path(pattern=USERNAME_PATTERN, examples=["maria"])]


class _Administrator:
    """Whoever has signed in, over the users."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    @asynccontextmanager
    async def changes(self, action: str, username: str) -> AsyncIterator[Change]:
        """Put a change of a user on record, or say why it is not made.

        Raises:
            HTTPException: there is no such user, or nobody else could manage users.
            RequestValidationError: the password is easily guessed.
            UnavailableError: a store is away.
        """
        try:
            async with (
                self._audit.change(action, username, grid_id=None) as change,
                asking("store of the users"),
            ):
                yield change
        except UnknownUserError:
            raise _not_found() from None
        except LastAdministratorError:
            raise HTTPException(
                HTTPStatus.CONFLICT, "Nobody else may manage users: make another administrator first."
            ) from None
        except WeakPasswordError as error:
            raise weak_password(error, "password") from None


_TheAdministrator = Annotated[_Administrator, Depends()]


@router.get("", summary="All users")
async def list_users(desk: _Desk) -> list[UserView]:
    """Every user, in the order of their names."""
    async with asking("store of the users"):
        return [UserView.of(user) for user in await desk.all()]


@router.post("", summary="Make a user", status_code=HTTPStatus.CREATED, responses=BODY_REFUSED)
async def create(desk: _Desk, administrator: _TheAdministrator, new: NewUser, response: Response) -> UserView:
    """Make a user, who can log in at once."""
    try:
        async with administrator.changes("user.create", new.username) as on_record:
            user = await desk.create(
                new.username,
                name=new.name,
                grants=new.grants,
                password=new.password.get_secret_value(),
            )
            on_record.after = UserView.of(user)
    except VersionConflictError:
        raise HTTPException(HTTPStatus.CONFLICT, "There is a user of this name already.") from None
    response.headers["Location"] = f"/api/users/{user.username}"
    return _tagged(user, response)


@router.get("/{username}", summary="One user", responses=_NOT_FOUND)
async def show(desk: _Desk, username: _Username, response: Response) -> UserView:
    """A user, with their version as `ETag`."""
    try:
        async with asking("store of the users"):
            return _tagged(await desk.get(username), response)
    except UnknownUserError:
        raise _not_found() from None


@router.put("/{username}", summary="Change a user", responses={**BODY_REFUSED, **_NOT_FOUND})
async def change(
    desk: _Desk,
    administrator: _TheAdministrator,
    username: _Username,
    changed: ChangedUser,
    *,
    response: Response,
    if_match: IfMatch = None,
) -> UserView:
    """Change what a user is called and may do. When they may do something else, all their logins end."""
    version = expected_version(if_match, changed.version, ("body", "version"))
    try:
        async with administrator.changes("user.change", username) as on_record:
            before = await desk.get(username)
            check_version(before.version, version)
            user = await desk.change(
                username,
                expected_version=version,
                name=changed.name,
                grants=changed.grants,
                disabled=changed.disabled,
            )
            on_record.before, on_record.after = UserView.of(before), UserView.of(user)
    except VersionConflictError:
        raise _conflict() from None
    return _tagged(user, response)


@router.put(
    "/{username}/password", summary="Give a user a password", responses={**BODY_REFUSED, **_NOT_FOUND}
)
async def set_password(
    desk: _Desk,
    administrator: _TheAdministrator,
    username: _Username,
    order: NewPassword,
    response: Response,
) -> UserView:
    """Give a user another password; all their logins end."""
    try:
        async with administrator.changes("user.set_password", username) as on_record:
            user = await desk.set_password(username, order.password.get_secret_value())
            on_record.after = {"version": user.version}
    except VersionConflictError:
        raise _conflict() from None
    return _tagged(user, response)


@router.post("/{username}/logout", summary="End all logins of a user", responses=_NOT_FOUND)
async def log_out(desk: _Desk, administrator: _TheAdministrator, username: _Username) -> LoggedOutView:
    """End every login of a user, as after the loss of a phone."""
    async with administrator.changes("user.log_out", username) as on_record:
        ended = await desk.log_out_everywhere(username)
        on_record.before, on_record.after = {"logins": ended}, {"logins": 0}
    return LoggedOutView(logins_ended=ended)


@router.delete("/{username}", summary="Remove a user", responses=_NOT_FOUND)
async def remove(desk: _Desk, administrator: _TheAdministrator, username: _Username) -> UserView:
    """Remove a user; returns what they were. What they have done stays under their name."""
    async with administrator.changes("user.remove", username) as on_record:
        on_record.before = view = UserView.of(await desk.remove(username))
    return view


def _tagged(user: User, response: Response) -> UserView:
    tag(response, user.version)
    return UserView.of(user)


def _not_found() -> HTTPException:
    return HTTPException(HTTPStatus.NOT_FOUND, "There is no such user.")


def _conflict() -> HTTPException:
    return HTTPException(HTTPStatus.CONFLICT, "Somebody has changed the user meanwhile: look at it again.")
