"""What came of a device's numbered samples."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path

from microgrid_api.context import Context
from microgrid_api.devices.ledger_views import LedgerView
from microgrid_api.identity.access import InGrid
from microgrid_api.identity.permissions import Permission
from microgrid_api.web.errors import InvalidRequest, Problem, asking
from microgrid_common.schemas.identifiers import IDENTIFIER_PATTERN

router = APIRouter(
    prefix="/api/device/{grid_id}/{device_id}",
    tags=["devices"],
    dependencies=[Depends(InGrid(Permission.VIEW))],
    responses={
        401: {"model": Problem, "description": "The token is missing or not valid."},
        422: {"model": InvalidRequest, "description": "It says what is allowed."},
        503: {"model": Problem, "description": "The store is away; see `Retry-After`."},
    },
)

_GridId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN, examples=["village-1"])]
_DeviceId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN, examples=["inverter-1"])]


@router.get(
    "/ledger",
    summary="What came of a device's samples",
    responses={404: {"model": Problem, "description": "Nothing has ever come from this device."}},
)
async def ledger(context: Context, grid_id: _GridId, device_id: _DeviceId) -> LedgerView:
    """Which samples of a device were received, lie in quarantine or are missing, by their `seq`.

    What is missing is asked back from the device, and stays listed when it does not come. Of a device that
    does not number its samples there are counts alone.
    """
    async with asking("store of the ledgers"):
        account = await context.ports.ledgers.account((grid_id, device_id))
    if account is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "Nothing has ever come from this device.")
    return LedgerView.of((grid_id, device_id), account)
