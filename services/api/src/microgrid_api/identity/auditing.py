"""Every change that somebody makes through the API is put on record."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import structlog
from fastapi import Depends, Request
from pydantic import BaseModel, JsonValue

from microgrid_api.context import ApiContext, Context
from microgrid_api.identity.access import SignedIn
from microgrid_api.web.errors import asking
from microgrid_common.ports.audit_log import AuditLog
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.schemas.audit import LONGEST_SIDE, AuditEntry

_TRIES = 3


@dataclass(slots=True)
class Change:
    """What the code that makes a change says about it."""

    before: BaseModel | JsonValue = None
    """How the thing was; None when it was not there."""
    after: BaseModel | JsonValue = None
    """How it is; None when it is not there any more."""


class Auditor:
    """Puts changes that somebody makes by one request on record.

    Args:
        log: where they are kept.
        who: the user name of whoever makes them.
        address: where the request came from.
        request_id: as it stands in the API's own log.
        now: the present, aware, in UTC.
    """

    def __init__(
        self,
        log: AuditLog,
        *,
        who: str,
        address: str | None,
        request_id: str | None,
        now: Callable[[], datetime],
    ) -> None:
        self._log = log
        self._who = who
        self._address = address
        self._request_id = request_id
        self._now = now

    @asynccontextmanager
    async def change(self, action: str, target: str, *, grid_id: str | None) -> AsyncIterator[Change]:
        """Record a change once it is made; one that is refused or fails is not recorded.

        The log is asked first whether it can be written: where it cannot, nothing is changed.

        Args:
            action: what is done to what kind of thing, such as `rule.change`.
            target: the id of the thing.
            grid_id: where it belongs; None for what belongs to no grid.

        Yields:
            What to say before and after into.

        Raises:
            UnavailableError: the audit log is away.
        """
        async with asking("audit log"):
            await self._log.ping()
        change = Change()
        yield change
        await self.record(action, target, grid_id=grid_id, change=change)

    async def record(
        self, action: str, target: str, *, grid_id: str | None, change: Change | None = None
    ) -> None:
        """Record something that is done already, and that must not wait for the audit log.

        Args:
            action: as for `change`.
            target: as for `change`.
            grid_id: as for `change`.
            change: how the thing was and is; None where there is nothing to say.
        """
        change = change or Change()
        entry = AuditEntry(
            at=self._now(),
            who=self._who,
            action=action,
            target=target,
            grid_id=grid_id,
            before=_side(change.before),
            after=_side(change.after),
            address=self._address,
            request_id=self._request_id,
        )
        for _ in range(_TRIES):
            try:
                await self._log.append(entry)
            except (RetryableError, PermanentError):
                continue
            return
        # The change is made, and saying that it was not would be wrong: the log of the service keeps it.
        structlog.get_logger().error("audit_entry_not_kept", entry=entry.model_dump(mode="json"))


def auditor_of(request: Request, context: ApiContext, who: str) -> Auditor:
    """Records what somebody does by a request."""
    return Auditor(
        context.ports.audit,
        who=who,
        address=request.client.host if request.client else None,
        request_id=getattr(request.state, "request_id", None),
        now=context.now,
    )


async def _auditor_of_caller(request: Request, context: Context, who: SignedIn) -> Auditor:
    return auditor_of(request, context, who.username)


Audit = Annotated[Auditor, Depends(_auditor_of_caller)]
"""Records what a request changes, in the name of whoever has signed in."""


def _side(thing: BaseModel | JsonValue) -> Any:
    content = thing.model_dump(mode="json") if isinstance(thing, BaseModel) else thing
    size = len(json.dumps(content))
    return content if size <= LONGEST_SIDE else {"too_large_to_keep_bytes": size}
