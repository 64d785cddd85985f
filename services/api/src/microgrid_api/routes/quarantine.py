"""The quarantine: messages that were refused, to look at, to replay and to discard."""

from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query
from pydantic import AwareDatetime

from microgrid_api.context import ApiContext, Context
from microgrid_api.devices.quarantine_views import (
    QuarantinedMessageView,
    QuarantineEntryView,
    QuarantinePageView,
    ReplayView,
)
from microgrid_api.identity.access import FORBIDDEN, NO_SUCH_GRID, InGrid, SignedIn
from microgrid_api.identity.auditing import Audit
from microgrid_api.identity.permissions import Permission
from microgrid_api.web.errors import InvalidRequest, Problem, asking
from microgrid_common.ports.identity import Caller
from microgrid_common.ports.quarantine import QuarantineFilter
from microgrid_common.runtime.quarantine_replay import Replay
from microgrid_common.schemas.identifiers import Identifier
from microgrid_common.schemas.quarantine import QuarantinedMessage, Reason
from microgrid_common.schemas.quarantine_entry import (
    ENTRY_ID_PATTERN,
    NO_GRID,
    QuarantineEntry,
    QuarantineState,
)

router = APIRouter(
    prefix="/api/quarantine/{grid_id}",
    tags=["quarantine"],
    dependencies=[Depends(InGrid(Permission.HANDLE_QUARANTINE))],
    responses={
        401: {"model": Problem, "description": "The token is missing or not valid."},
        **FORBIDDEN,
        **NO_SUCH_GRID,
        422: {"model": InvalidRequest, "description": "It says what is allowed."},
        503: {"model": Problem, "description": "The store is away; see `Retry-After`."},
    },
)

_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "There is no such message in this grid."}
}

_GridId = Annotated[
    str,
    Path(
        pattern=rf"^([A-Za-z0-9_-]{{1,64}}|{NO_GRID})$",
        description=f"A grid, or `{NO_GRID}` for messages that name none, as on an unknown topic.",
        examples=["village-1"],
    ),
]
_EntryId = Annotated[str, Path(pattern=ENTRY_ID_PATTERN, examples=["1795428000123-0"])]
_Cursor = Annotated[str, Query(pattern=ENTRY_ID_PATTERN, description="The `next_cursor` of the page before.")]


class StateChoice(StrEnum):
    """Which states are wanted."""

    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"
    ANY = "any"


@router.get("", summary="What is in quarantine")
async def find(
    context: Context,
    grid_id: _GridId,
    *,
    state: StateChoice = StateChoice.OPEN,
    reason: Reason | None = None,
    device_id: Identifier | None = None,
    since: Annotated[AwareDatetime | None, Query(description="Put in quarantine then or later.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Put in quarantine before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: _Cursor | None = None,
) -> QuarantinePageView:
    """The messages of a grid for which everything given holds, the newest first."""
    wanted = QuarantineFilter(
        grid_id=grid_id,
        device_id=device_id,
        reason=reason,
        state=None if state is StateChoice.ANY else QuarantineState(state.value),
        since=since,
        until=until,
    )
    async with asking("quarantine"):
        page = await context.ports.quarantine.find(wanted, limit=limit, cursor=cursor)
        counts = await context.ports.quarantine.counts(grid_id)
    return QuarantinePageView(
        messages=[QuarantineEntryView.of(entry) for entry in page.entries],
        next_cursor=page.cursor,
        open_by_reason={
            why: number for (what, why), number in counts.items() if what is QuarantineState.OPEN
        },
    )


@router.get("/{entry_id}", summary="One message with its payload", responses=_NOT_FOUND)
async def show(context: Context, grid_id: _GridId, entry_id: _EntryId) -> QuarantinedMessageView:
    """A message as it came."""
    async with asking("quarantine"):
        entry, message = await _get(context, grid_id, entry_id)
    return QuarantinedMessageView.of_message(entry, message)


@router.post("/{entry_id}/replay", summary="Put a message through again", responses=_NOT_FOUND)
async def replay(
    context: Context,
    who: SignedIn,
    audit: Audit,
    grid_id: _GridId,
    entry_id: _EntryId,
    *,
    dry_run: bool = False,
) -> ReplayView:
    """Treat a message as if it arrived now, but with its own time of arrival.

    What is accepted now becomes readings; what is still refused stays open with the new reason. Doing it
    twice gives the same readings once. A dry run only says what would come of it.
    """
    async with asking("quarantine"):
        before, _ = await _get(context, grid_id, entry_id)
    if dry_run:
        return ReplayView.of(await _replayed(context, who, entry_id, dry_run=True), dry_run=True)
    async with audit.change("quarantine.replay", entry_id, grid_id=before.grid_id) as change:
        replayed = await _replayed(context, who, entry_id, dry_run=False)
        change.before = {"state": before.state}
        change.after = {
            "state": replayed.entry.state,
            "verdict": replayed.verdict,
            "readings": replayed.readings,
        }
    return ReplayView.of(replayed, dry_run=False)


@router.post(
    "/{entry_id}/discard",
    summary="Close a message that is not needed",
    responses={**_NOT_FOUND, 409: {"model": Problem, "description": "It was replayed with success before."}},
)
async def discard(
    context: Context, who: SignedIn, audit: Audit, grid_id: _GridId, entry_id: _EntryId
) -> QuarantineEntryView:
    """Record that a message is not needed. It stays for a while, and can still be replayed."""
    async with asking("quarantine"):
        before, _ = await _get(context, grid_id, entry_id)
    async with (
        audit.change("quarantine.discard", entry_id, grid_id=before.grid_id) as change,
        asking("quarantine"),
    ):
        entry = await context.ports.quarantine.discard(entry_id, by=who.username, at=context.now())
        if entry is None:
            raise _not_found()
        if entry.state is not QuarantineState.DISCARDED:
            raise HTTPException(
                HTTPStatus.CONFLICT, "The message was replayed: there is nothing left to discard."
            )
        change.before, change.after = {"state": before.state}, {"state": entry.state}
    return QuarantineEntryView.of(entry)


async def _replayed(context: ApiContext, who: Caller, entry_id: str, *, dry_run: bool) -> Replay:
    async with asking("quarantine"):
        replayed = await context.ports.replayer.replay(
            entry_id, by=who.username, at=context.now(), dry_run=dry_run
        )
    if replayed is None:
        raise _not_found()
    return replayed


async def _get(
    context: ApiContext, grid_id: str, entry_id: str
) -> tuple[QuarantineEntry, QuarantinedMessage]:
    found = await context.ports.quarantine.get(entry_id)
    # Of another grid is as good as not there: nobody learns what other grids have.
    if found is None or found[0].grid != grid_id:
        raise _not_found()
    return found


def _not_found() -> HTTPException:
    return HTTPException(HTTPStatus.NOT_FOUND, "There is no such message in quarantine.")
