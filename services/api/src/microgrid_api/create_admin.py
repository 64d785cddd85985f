"""The command `microgrid-api create-admin`."""

import asyncio
import sys
from typing import Annotated, Final

import typer
from pydantic import TypeAdapter, ValidationError

from microgrid_api.identity.auditing import Auditor
from microgrid_api.identity.local_users.passwords import WeakPasswordError
from microgrid_api.identity.local_users.wiring import utc_now
from microgrid_api.identity.views import UserView
from microgrid_api.settings import ApiSettings
from microgrid_api.web.errors import UnavailableError
from microgrid_api.wiring import build
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.rule_store import VersionConflictError
from microgrid_common.runtime.settings import describe_problems
from microgrid_common.schemas.user import EVERY_GRID, Role, User, Username

ON_RECORD_AS: Final = "command line"
"""No user can have this name, for the blank in it."""


def create_admin(
    username: Annotated[str, typer.Argument(help="Lower-case letters, digits and . _ @ + -")],
    *,
    name: Annotated[str, typer.Option(help="As others are shown it; the user name by default.")] = "",
) -> None:
    """Make an administrator of every grid, such as the first one; MICROGRID_AUTH_MODE must be local.

    The password is asked for, or is the first line of standard input where that is no terminal.
    """
    try:
        username = TypeAdapter(Username).validate_python(username)
    except ValidationError:
        raise typer.BadParameter("allowed: up to 64 lower-case letters, digits and . _ @ + -") from None
    try:
        settings = ApiSettings()
    except ValidationError as error:
        raise typer.BadParameter(describe_problems(error)) from None
    if settings.auth_mode != "local":
        raise typer.BadParameter(
            f"MICROGRID_AUTH_MODE is {settings.auth_mode}: only in the mode local are users kept here"
        )
    try:
        user = asyncio.run(_create(settings, username, name or username, _ask_for_password()))
    except VersionConflictError:
        _fail("there is a user of this name already")
    except (RetryableError, UnavailableError) as error:
        _fail(f"{error} It is in Redis; MICROGRID_REDIS_URL says where that is.")
    except (WeakPasswordError, PermanentError) as error:
        _fail(str(error))
    else:
        typer.echo(f"{user.username} may now log in, and do everything in every grid.")


async def _create(settings: ApiSettings, username: str, name: str, password: str) -> User:
    async with build(settings) as ports:
        assert ports.local_users is not None  # noqa: S101 - the mode was looked at
        audit = Auditor(ports.audit, who=ON_RECORD_AS, address=None, request_id=None, now=utc_now)
        async with audit.change("user.create", username, grid_id=None) as change:
            user = await ports.local_users.desk.create(
                username, name=name, grants={EVERY_GRID: Role.ADMIN}, password=password
            )
            change.after = UserView.of(user)
        return user


def _ask_for_password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _fail(problem: str) -> None:
    typer.echo(f"microgrid-api: {problem}", err=True)
    raise typer.Exit(code=1)
