"""What to ask back from a device, and when."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from microgrid_common.schemas.backfill import MAXIMUM_NUMBERS, MAXIMUM_RANGES, BackfillRequest
from microgrid_common.schemas.ledger import AskedRange, DeviceLedger

_LOOK_AGAIN_AFTER_ALL = timedelta(hours=1)
"""When there is nothing left to ask; a new gap brings the device back at once."""


class MissingState(StrEnum):
    """How far the asking for missing numbers has come."""

    WAITING = "waiting"
    """They have not been asked for: they may still come by themselves."""
    ASKED = "asked"
    UNANSWERED = "unanswered"
    """They were asked for as often as is allowed, and did not come."""


class MissingRange(NamedTuple):
    """Missing numbers that were asked for equally often."""

    boot_id: str
    first: int
    last: int
    """Inclusive."""
    noticed_at: int
    """In milliseconds since 1970."""
    requests: int = 0
    asked_at: int = 0
    """The last time, in milliseconds since 1970; 0 for never."""
    unanswered: bool = False

    @property
    def state(self) -> MissingState:
        """How far the asking has come."""
        if self.unanswered:
            return MissingState.UNANSWERED
        return MissingState.ASKED if self.requests else MissingState.WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillPolicy:
    """When a device is asked, and how often."""

    grace: timedelta
    """How long missing numbers may still come by themselves."""
    interval: timedelta
    """The shortest time between two requests to one device."""
    attempts: int
    """How often the same numbers are asked for; at least 1."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do about the missing numbers of a device now."""

    request: BackfillRequest | None
    """What to ask; None for nothing now."""
    asked: tuple[AskedRange, ...]
    """What the device will have been asked for by then; what has come meanwhile is left out."""
    look_again_at: int
    """In milliseconds since 1970; a gap that is noticed meanwhile brings it forward."""


def missing_ranges(ledger: DeviceLedger, asked: Sequence[AskedRange]) -> list[MissingRange]:
    """What a device's ledger misses, with how often each part of it was asked for; by boot, then number."""
    return [
        part
        for boot in ledger.boots
        for gap in boot.gaps
        for part in _split(MissingRange(boot.boot_id, *gap), asked)
    ]


def _split(gap: MissingRange, asked: Iterable[AskedRange]) -> Iterator[MissingRange]:
    start = gap.first
    for each in asked:
        if each.boot_id != gap.boot_id or each.last < start or each.first > gap.last:
            continue
        if each.first > start:
            yield gap._replace(first=start, last=each.first - 1)
        yield MissingRange(
            gap.boot_id,
            max(each.first, start),
            min(each.last, gap.last),
            gap.noticed_at,
            each.requests,
            each.asked_at,
            each.unanswered,
        )
        start = each.last + 1
    if start <= gap.last:
        yield gap._replace(first=start)


def plan(ledger: DeviceLedger, asked: Sequence[AskedRange], policy: BackfillPolicy, *, now: int) -> Plan:
    """Decide what to ask a device.

    Of the boot that was asked for least often the lowest numbers are asked first: what is oldest is the
    first that the device will lose. A device is asked again only when something has come from it since: one
    that is away would answer nothing, however often it is asked.

    Args:
        ledger: the device's ledger.
        asked: what it was asked for before.
        policy: when to ask, and how often.
        now: milliseconds since 1970.
    """
    parts = [
        part._replace(unanswered=True) if _is_given_up(part, policy, now) else part
        for part in missing_ranges(ledger, asked)
    ]
    open_parts = [part for part in parts if not part.unanswered]
    if not open_parts:
        return Plan(None, _memory(parts), now + _milliseconds(_LOOK_AGAIN_AFTER_ALL))
    last_asked = max((part.asked_at for part in parts), default=0)
    next_request = last_asked + _milliseconds(policy.interval) if last_asked else 0
    first_due = min(part.noticed_at for part in open_parts) + _milliseconds(policy.grace)
    if now < max(next_request, first_due):
        return Plan(None, _memory(parts), max(next_request, first_due))
    next_look = now + _milliseconds(policy.interval)
    if last_asked and ledger.heard_at <= last_asked:
        return Plan(None, _memory(parts), next_look)
    due = [part for part in open_parts if part.noticed_at + _milliseconds(policy.grace) <= now]
    chosen = _choose(due)
    request = BackfillRequest(
        boot_id=chosen[0].boot_id, ranges=tuple(_joined((part.first, part.last) for part in chosen))
    )
    newly = {(part.boot_id, part.first): part for part in chosen}
    after = [
        piece for part in parts for piece in _after_request(part, newly.get((part.boot_id, part.first)), now)
    ]
    return Plan(request, _memory(after), next_look)


def _is_given_up(part: MissingRange, policy: BackfillPolicy, now: int) -> bool:
    # The last request, too, has its time to be answered.
    return part.requests >= policy.attempts and part.asked_at + _milliseconds(policy.interval) <= now


def _choose(due: Sequence[MissingRange]) -> list[MissingRange]:
    """As much of one boot as one request may ask for."""
    boot_id = min(due, key=lambda part: (part.requests, part.noticed_at)).boot_id
    candidates = sorted(
        (part for part in due if part.boot_id == boot_id), key=lambda part: (part.requests, part.first)
    )
    chosen: list[MissingRange] = []
    room = MAXIMUM_NUMBERS
    for part in candidates[:MAXIMUM_RANGES]:
        last = min(part.last, part.first + room - 1)
        chosen.append(part._replace(last=last))
        room -= last - part.first + 1
        if not room:
            break
    return sorted(chosen, key=lambda part: part.first)


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in spans:
        if joined and joined[-1][1] == first - 1:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


def _after_request(part: MissingRange, requested: MissingRange | None, now: int) -> Iterator[MissingRange]:
    if requested is None:
        yield part
        return
    yield requested._replace(requests=part.requests + 1, asked_at=now)
    if requested.last < part.last:
        yield part._replace(first=requested.last + 1)


def _memory(parts: Iterable[MissingRange]) -> tuple[AskedRange, ...]:
    """What to remember: as few ranges as tell how often each number was asked for."""
    memory: list[AskedRange] = []
    for part in parts:
        if not part.requests:
            continue
        new = AskedRange(*part[:3], part.requests, part.asked_at, part.unanswered)
        if memory and (old := memory[-1]).last == new.first - 1 and _alike(old, new):
            memory[-1] = old._replace(last=new.last, asked_at=max(old.asked_at, new.asked_at))
        else:
            memory.append(new)
    return tuple(memory)


def _alike(old: AskedRange, new: AskedRange) -> bool:
    return (old.boot_id, old.requests, old.unanswered) == (new.boot_id, new.requests, new.unanswered)


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
