"""The audit log: who changed what."""

from http import HTTPStatus
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, JsonValue

from microgrid_api.context import ApiContext, Context
from microgrid_api.identity.access import Everywhere, InGrid
from microgrid_api.identity.permissions import Permission
from microgrid_api.web.errors import InvalidRequest, Problem, asking
from microgrid_api.web.wire_time import WireTime
from microgrid_common.ports.audit_log import LARGEST_PAGE, BadCursorError, RecordedEntry
from microgrid_common.schemas.identifiers import IDENTIFIER_PATTERN

router = APIRouter(
    prefix="/api/audit",
    tags=["audit"],
    responses={
        HTTPStatus.UNAUTHORIZED: {"model": Problem, "description": "The token is missing or not valid."},
        HTTPStatus.FORBIDDEN: {"model": Problem, "description": "Your role does not allow this here."},
        HTTPStatus.UNPROCESSABLE_ENTITY: {"model": InvalidRequest, "description": "It says what is allowed."},
        HTTPStatus.SERVICE_UNAVAILABLE: {
            "model": Problem,
            "description": "The store is away; `Retry-After`.",
        },
    },
)

_Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE)]
_Cursor = Annotated[str | None, Query(max_length=100, description="The `next_cursor` of the page before.")]


_EXAMPLE: dict[str, JsonValue] = {
    "entry_id": "1795428000123-0",
    "at": "2026-11-23T10:00:00.000Z",
    "who": "maria",
    "action": "maintenance.plan",
    "target": "fan-2026-11",
    "grid_id": "village-1",
    "before": None,
    "after": {"device_id": "inverter-1"},
    "address": "192.0.2.7",
    "request_id": "5f2c6b1e",
}


class AuditEntryView(BaseModel):
    """One change that somebody made."""

    model_config = ConfigDict(use_attribute_docstrings=True, json_schema_extra={"examples": [_EXAMPLE]})

    entry_id: str
    at: WireTime
    who: str
    action: str
    """What was done to what kind of thing."""
    target: str
    """The id of the thing."""
    grid_id: str | None
    """Null for what belongs to no grid."""
    before: JsonValue
    """How it was; null for what was not there."""
    after: JsonValue
    """How it is; null for what is not there any more."""
    address: str | None
    request_id: str | None

    @classmethod
    def of(cls, recorded: RecordedEntry) -> Self:
        """An entry as it is shown."""
        return cls(entry_id=recorded.entry_id, **dict(recorded.entry))


class AuditPageView(BaseModel):
    """Some changes, the newest first."""

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        json_schema_extra={"examples": [{"entries": [_EXAMPLE], "next_cursor": "1795428000123-0"}]},
    )

    entries: list[AuditEntryView]
    next_cursor: str | None
    """For the next page; null when this is the last one."""


@router.get("", summary="Who changed what", dependencies=[Depends(Everywhere(Permission.READ_AUDIT_LOG))])
async def find_all(context: Context, limit: _Limit = 50, cursor: _Cursor = None) -> AuditPageView:
    """The changes in all grids, and of what belongs to none, the newest first."""
    return await _find(context, None, limit, cursor)


@router.get(
    "/{grid_id}",
    summary="Who changed what in a grid",
    dependencies=[Depends(InGrid(Permission.READ_AUDIT_LOG))],
    responses={404: {"model": Problem, "description": "There is no such grid."}},
)
async def find(
    context: Context,
    grid_id: Annotated[str, Path(pattern=IDENTIFIER_PATTERN, examples=["village-1"])],
    *,
    limit: _Limit = 50,
    cursor: _Cursor = None,
) -> AuditPageView:
    """The changes in one grid, the newest first."""
    return await _find(context, grid_id, limit, cursor)


async def _find(context: ApiContext, grid_id: str | None, limit: int, cursor: str | None) -> AuditPageView:
    try:
        async with asking("audit log"):
            page = await context.ports.audit.find(grid_id, limit=limit, cursor=cursor)
    except BadCursorError:
        problem = {
            "loc": ("query", "cursor"),
            "msg": "The next_cursor of the page before, as it was",
            "type": "invalid_cursor",
        }
        raise RequestValidationError([problem]) from None
    return AuditPageView(entries=[AuditEntryView.of(one) for one in page.entries], next_cursor=page.cursor)
