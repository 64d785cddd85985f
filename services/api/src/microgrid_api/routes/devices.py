"""The devices of a grid: what they are, and whether they are there."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query
from fastapi.exceptions import RequestValidationError

from microgrid_api.context import Context
from microgrid_api.devices.device_views import DeviceDetail, DeviceView, Registration
from microgrid_api.identity.access import FORBIDDEN, NO_SUCH_GRID, InGrid
from microgrid_api.identity.auditing import Audit
from microgrid_api.identity.permissions import Permission
from microgrid_api.web.body_limit import BODY_REFUSED
from microgrid_api.web.errors import InvalidRequest, Problem, asking
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.identifiers import IDENTIFIER_PATTERN

router = APIRouter(
    prefix="/api/device/{grid_id}",
    tags=["devices"],
    dependencies=[Depends(InGrid(Permission.VIEW))],
    responses={
        401: {"model": Problem, "description": "The token is missing or not valid."},
        **NO_SUCH_GRID,
        422: {"model": InvalidRequest, "description": "It says what is allowed."},
        503: {"model": Problem, "description": "The store is away; see `Retry-After`."},
    },
)

_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "There is no such device in this grid."}
}

_GridId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN, examples=["village-1"])]
_DeviceId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN, examples=["inverter-1"])]


@router.get("/list", summary="The devices of a grid")
async def list_devices(
    context: Context,
    grid_id: _GridId,
    *,
    connected: Annotated[bool | None, Query(description="Only those that are, or are not.")] = None,
    stale: Annotated[bool | None, Query(description="Only those that are, or are not.")] = None,
) -> list[DeviceView]:
    """Every device that is registered in a grid or was ever heard there, in the order of their ids."""
    async with asking("device registry"):
        devices = {device.device_id: device for device in await context.ports.devices.of_grid(grid_id)}
        links = {link.device_id: link for link in await context.ports.links.of_grid(grid_id)}
    views = [
        DeviceView.of(devices.get(device_id), links.get(device_id))
        for device_id in sorted(devices.keys() | links.keys())
    ]
    return [view for view in views if connected in (None, view.connected) and stale in (None, view.stale)]


@router.get("/{device_id}", summary="One device", responses=_NOT_FOUND)
async def show(context: Context, grid_id: _GridId, device_id: _DeviceId) -> DeviceDetail:
    """All that is known about a device. One of the name `list` is only in the list."""
    async with asking("device registry"):
        device = await context.ports.devices.get(grid_id, device_id)
        links = await context.ports.links.get_many([(grid_id, device_id)])
    link = links.get((grid_id, device_id))
    if device is None and link is None:
        raise _not_found()
    return DeviceDetail.of(device, link)


@router.put(
    "/{device_id}",
    summary="Register a device",
    dependencies=[Depends(InGrid(Permission.REGISTER_DEVICES))],
    responses={**BODY_REFUSED, **FORBIDDEN},
)
async def register(
    context: Context,
    audit: Audit,
    grid_id: _GridId,
    device_id: _DeviceId,
    registration: Registration,
) -> DeviceDetail:
    """Register a device, or replace what is registered of it. Readings carry it from the next seconds on."""
    if registration.parent_id == device_id:
        problem = {"loc": ("body", "parent_id"), "msg": "Not the device itself", "type": "own_parent"}
        raise RequestValidationError([problem])
    device = Device(grid_id=grid_id, device_id=device_id, **registration.model_dump())
    async with (
        audit.change("device.register", device_id, grid_id=grid_id) as change,
        asking("device registry"),
    ):
        (change.before,) = await context.ports.devices.put([device])
        change.after = device
    async with asking("device registry"):
        links = await context.ports.links.get_many([(grid_id, device_id)])
    return DeviceDetail.of(device, links.get((grid_id, device_id)))


@router.delete(
    "/{device_id}",
    summary="Take a device out of the registry",
    dependencies=[Depends(InGrid(Permission.REGISTER_DEVICES))],
    responses={**_NOT_FOUND, **FORBIDDEN},
)
async def unregister(context: Context, audit: Audit, grid_id: _GridId, device_id: _DeviceId) -> DeviceDetail:
    """Take a device out of the registry; returns what was known about it.

    What it has measured stays, and it is listed as unregistered if it was ever heard.
    """
    async with (
        audit.change("device.unregister", device_id, grid_id=grid_id) as change,
        asking("device registry"),
    ):
        change.before = device = await context.ports.devices.remove(grid_id, device_id)
        if device is None:
            raise _not_found()
    async with asking("device registry"):
        links = await context.ports.links.get_many([(grid_id, device_id)])
    return DeviceDetail.of(device, links.get((grid_id, device_id)))


def _not_found() -> HTTPException:
    return HTTPException(HTTPStatus.NOT_FOUND, "There is no such device in this grid.")
