"""Commands to devices: to give, to follow, and what there is to choose from."""

import json
import secrets
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Response
from fastapi.exceptions import RequestValidationError

from microgrid_api.context import Context
from microgrid_api.devices.command_views import CommandKindView, CommandOrder, CommandPageView, CommandView
from microgrid_api.devices.device_finder import FoundDevice, find_device
from microgrid_api.identity.access import InGrid, SignedIn, forbidden, require
from microgrid_api.identity.auditing import Audit
from microgrid_api.identity.permissions import Permission
from microgrid_api.web.body_limit import BODY_REFUSED
from microgrid_api.web.errors import InvalidRequest, Problem, asking
from microgrid_common.ports.command_store import (
    LARGEST_PAGE,
    BadCursorError,
    KeyReusedError,
    RequestKey,
)
from microgrid_common.schemas.command import COMMAND_ID_PATTERN, Command, command_id
from microgrid_common.schemas.command_catalogue import CATALOGUE, CommandKind, commands_for
from microgrid_common.schemas.identifiers import IDENTIFIER_PATTERN
from microgrid_common.transforms.commands.parameters import ParameterRefusedError, checked_parameters

router = APIRouter(
    tags=["commands"],
    responses={
        401: {"model": Problem, "description": "The token is missing or not valid."},
        422: {"model": InvalidRequest, "description": "It says what is allowed."},
        503: {"model": Problem, "description": "The store is away; see `Retry-After`."},
    },
)

_MISSING = "There is no such command."
_NO_GRID: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "There is no such grid."}}
_REFUSED: dict[int | str, dict[str, Any]] = {
    **BODY_REFUSED,
    403: {"model": Problem, "description": "Your role does not allow this here."},
    404: {"model": Problem, "description": "There is no such device."},
    409: {"model": Problem, "description": "Several grids have such a device; it names them."},
}

_GridId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN, examples=["village-1"])]
_DeviceId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN, examples=["inverter-1"])]
_IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="For 24 hours the same key and body give the same command, however often they are sent.",
        examples=["0f8fad5b-d9cb-469f-a165-70867728950e"],
    ),
]


@router.post(
    "/api/device/{device_id}/command",
    summary="Give a command",
    status_code=HTTPStatus.ACCEPTED,
    responses=_REFUSED,
)
async def give(
    context: Context,
    who: SignedIn,
    audit: Audit,
    device_id: _DeviceId,
    *,
    order: CommandOrder,
    response: Response,
    grid_id: Annotated[
        str | None,
        Query(pattern=IDENTIFIER_PATTERN, description="Needed where several grids have such a device."),
    ] = None,
    idempotency_key: _IdempotencyKey = None,
) -> CommandView:
    """Have a device do something; `Location` is where to follow it.

    The answer says that the command is recorded, not that it is done. It is sent until the device answers or
    it expires. A device that is not registered knows only what every device does.
    """
    device = await find_device(context, who, Permission.COMMAND_DEVICES, device_id, grid_id)
    kind = _kind(order, device)
    if not who.has(kind.least_role, device.grid_id):
        raise forbidden()
    created_at = context.now()
    command = Command(
        command_id=command_id(created_at, secrets.token_hex(8)),
        grid_id=device.grid_id,
        device_id=device.device_id,
        command=kind.name,
        parameters=_parameters(order, kind),
        created_by=who.username,
        created_at=created_at,
        expires_at=created_at + kind.valid_for,
    )
    key = idempotency_key and RequestKey(user=who.username, key=idempotency_key, wish=_wish(command))
    try:
        async with (
            audit.change("command.give", device.device_id, grid_id=device.grid_id) as change,
            asking("command store"),
        ):
            kept = await context.ports.commands.create(command, key or None)
            change.after = CommandView.of(kept)
            change.before = None if kept.command_id == command.command_id else change.after
    except KeyReusedError:
        message = "This key was used for another command: take a new one for each"
        raise _invalid(("header", "Idempotency-Key"), message, "key_reused") from None
    response.headers["Location"] = f"/api/commands/{kept.command_id}"
    return CommandView.of(kept)


@router.get(
    "/api/device/{grid_id}/{device_id}/commands",
    summary="The commands of a device",
    dependencies=[Depends(InGrid(Permission.VIEW))],
    responses=_NO_GRID,
)
async def list_commands(
    context: Context,
    grid_id: _GridId,
    device_id: _DeviceId,
    *,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 50,
    cursor: Annotated[
        str | None, Query(max_length=100, description="The `next_cursor` of the page before.")
    ] = None,
) -> CommandPageView:
    """What a device was told to do in the last 90 days, the newest first; at most the last 1,000."""
    try:
        async with asking("command store"):
            page = await context.ports.commands.of_device(grid_id, device_id, limit=limit, cursor=cursor)
    except BadCursorError:
        message = "The next_cursor of the page before, as it was"
        raise _invalid(("query", "cursor"), message, "invalid_cursor") from None
    return CommandPageView.of(page)


@router.get(
    "/api/device/{grid_id}/{device_id}/commands/catalogue",
    summary="The commands that a device knows",
    dependencies=[Depends(InGrid(Permission.VIEW))],
    responses=_NO_GRID,
)
async def catalogue(context: Context, grid_id: _GridId, device_id: _DeviceId) -> list[CommandKindView]:
    """What devices of its type can be told to do; of one that is not registered, what every device can."""
    async with asking("device registry"):
        device = await context.ports.devices.get(grid_id, device_id)
    return [CommandKindView.of(kind) for kind in commands_for(device.device_type if device else "")]


@router.get(
    "/api/commands/{command_id}",
    summary="One command",
    responses={404: {"model": Problem, "description": _MISSING}},
)
async def show(
    context: Context,
    who: SignedIn,
    command_id: Annotated[
        str, Path(pattern=COMMAND_ID_PATTERN, examples=["cmd-019ab0c5c880-5f2c9d8e7a6b4c3d"])
    ],
) -> CommandView:
    """A command, and what became of it so far."""
    async with asking("command store"):
        command = await context.ports.commands.get(command_id)
    if command is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, _MISSING)
    require(who, Permission.VIEW, command.grid_id, missing=_MISSING)
    return CommandView.of(command)


def _kind(order: CommandOrder, device: FoundDevice) -> CommandKind:
    kind = CATALOGUE.get(order.command)
    if kind is None or not kind.is_for(device.device_type):
        known = ", ".join(each.name for each in commands_for(device.device_type))
        message = f"A device of type {device.device_type} knows: {known}"
        raise _invalid(("body", "command"), message, "unknown_command")
    if order.confirm != device.device_id and (kind.needs_confirmation or order.confirm is not None):
        raise _invalid(("body", "confirm"), f"The id of the device: {device.device_id}", "not_confirmed")
    return kind


def _parameters(order: CommandOrder, kind: CommandKind) -> dict[str, Any]:
    try:
        return checked_parameters(kind, order.parameters)
    except ParameterRefusedError as refused:
        where = ("body", "parameters", refused.parameter)
        raise _invalid(where, str(refused), f"parameter_{refused.kind}") from None


def _wish(command: Command) -> str:
    parts = [command.grid_id, command.device_id, command.command, sorted(command.parameters.items())]
    return sha256(json.dumps(parts).encode()).hexdigest()


def _invalid(where: tuple[str, ...], message: str, kind: str) -> RequestValidationError:
    return RequestValidationError([{"loc": where, "msg": message, "type": kind}])
