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

from microgrid_api.context import Context
from microgrid_api.errors import asking
from microgrid_common.ports.audit_log import AuditLog
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.identity import Caller
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
    """Puts changes of one request on record.

    Args:
        log: where they are kept.
        address: where the request came from.
        request_id: as it stands in the API's own log.
        now: the present, aware, in UTC.
    """

    def __init__(
        self, log: AuditLog, *, address: str | None, request_id: str | None, now: Callable[[], datetime]
    ) -> None:
        self._log = log
        self._address = address
        self._request_id = request_id
        self._now = now

    @asynccontextmanager
    async def change(
        self, who: Caller, action: str, target: str, *, grid_id: str | None
    ) -> AsyncIterator[Change]:
        """Record a change once it is made; one that is refused or fails is not recorded.

        The log is asked first whether it can be written: where it cannot, nothing is changed.

        Args:
            who: makes it.
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
        await self._record(
            AuditEntry(
                at=self._now(),
                who=who.username,
                action=action,
                target=target,
                grid_id=grid_id,
                before=_side(change.before),
                after=_side(change.after),
                address=self._address,
                request_id=self._request_id,
            )
        )

    async def _record(self, entry: AuditEntry) -> None:
        for _ in range(_TRIES):
            try:
                await self._log.append(entry)
            except (RetryableError, PermanentError):
                continue
            return
        # The change is made, and saying that it was not would be wrong: the log of the service keeps it.
        structlog.get_logger().error("audit_entry_not_kept", entry=entry.model_dump(mode="json"))


def auditor_of(request: Request, context: Context) -> Auditor:
    """The auditor of a request."""
    return Auditor(
        context.ports.audit,
        address=request.client.host if request.client else None,
        request_id=getattr(request.state, "request_id", None),
        now=context.now,
    )


Audit = Annotated[Auditor, Depends(auditor_of)]
"""Records what a request changes."""


def _side(thing: BaseModel | JsonValue) -> Any:
    content = thing.model_dump(mode="json") if isinstance(thing, BaseModel) else thing
    size = len(json.dumps(content))
    return content if size <= LONGEST_SIDE else {"too_large_to_keep_bytes": size}
