"""Finds a device by its id alone, among the grids of whoever asks."""

from dataclasses import dataclass
from http import HTTPStatus

from fastapi import HTTPException

from microgrid_api.context import ApiContext
from microgrid_api.identity.access import forbidden, require
from microgrid_api.identity.permissions import Permission, may, sees
from microgrid_api.web.errors import asking
from microgrid_common.ports.identity import Caller
from microgrid_common.schemas.device import UNREGISTERED, Device
from microgrid_common.schemas.identifiers import DEFAULT_GRID_ID
from microgrid_common.schemas.user import EVERY_GRID

_MISSING = "There is no such device."


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """A device that somebody may do something with."""

    grid_id: str
    device_id: str
    device_type: str
    """`unregistered` for one that was only heard."""


async def find_device(
    context: ApiContext, caller: Caller, permission: Permission, device_id: str, grid_id: str | None
) -> FoundDevice:
    """The one device of an id that somebody may do something with.

    A device that is not registered is found where its grid is named, or is one that has registered devices, a
    description, or a role of its own for the caller.

    Args:
        context: has the registry and the links.
        caller: who asks.
        permission: what they want to do with it.
        device_id: the id.
        grid_id: the grid, where they name it.

    Raises:
        HTTPException: 404, there is none that they see; 403, they may not do that with it; 409, there are
            several that they may do it with.
        UnavailableError: the registry is away.
    """
    if grid_id is not None:
        require(caller, permission, grid_id, missing=_MISSING)
    async with asking("device registry"):
        found = await _devices_of(context, caller, device_id, grid_id)
    allowed = {where: device for where, device in found.items() if may(caller, permission, where)}
    if not found:
        raise HTTPException(HTTPStatus.NOT_FOUND, _MISSING)
    if not allowed:
        raise forbidden()
    if len(allowed) > 1:
        grids = ", ".join(sorted(allowed))
        detail = f"There is such a device in several grids: say which by grid_id=…, one of {grids}."
        raise HTTPException(HTTPStatus.CONFLICT, detail)
    ((where, device),) = allowed.items()
    return FoundDevice(where, device_id, device.device_type if device else UNREGISTERED)


async def _devices_of(
    context: ApiContext, caller: Caller, device_id: str, grid_id: str | None
) -> dict[str, Device | None]:
    """The grids that have the device, of those that the caller sees; None: it was only heard there."""
    ports = context.ports
    if grid_id is not None:
        registered = {grid_id: await ports.devices.get(grid_id, device_id)}
        candidates = [grid_id]
    else:
        devices = (await ports.devices.snapshot()).devices
        registered = {grid: devices.get((grid, device_id)) for grid, _ in devices}
        described = {grid.grid_id for grid in await ports.grids.described()}
        known = registered.keys() | described | caller.grants.keys() | {DEFAULT_GRID_ID}
        candidates = [grid for grid in sorted(known - {EVERY_GRID}) if sees(caller, grid)]
    links = await ports.links.get_many([(grid, device_id) for grid in candidates])
    return {
        grid: registered.get(grid)
        for grid in candidates
        if registered.get(grid) is not None or (grid, device_id) in links
    }
