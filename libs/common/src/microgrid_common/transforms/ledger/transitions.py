"""From one state of a device's ledger to the next."""

from collections.abc import Sequence

from microgrid_common.schemas.device import UNREGISTERED
from microgrid_common.schemas.ledger import (
    BOOTS_KEPT,
    CLOSED_NAMES_KEPT,
    GAPS_KEPT,
    REFUSED_KEPT,
    BootLedger,
    ClosedBoots,
    DeviceLedger,
    Gap,
    Span,
)
from microgrid_common.transforms.ledger.news import Announcement, Fate, News, Run
from microgrid_common.transforms.ledger.ranges import count, cut, union


def updated(ledger: DeviceLedger | None, news: News, *, now: int) -> DeviceLedger:
    """The ledger of a device after some news of it.

    Args:
        ledger: as it was; None for a device that is new.
        news: what came since.
        now: milliseconds since 1970: when gaps that show now are noticed.
    """
    if ledger is None:
        ledger = DeviceLedger(UNREGISTERED)
    boots, duplicates, closed, missing = ledger.boots, ledger.duplicates, ledger.closed, ledger.missing
    if (next_boot := _continued(boots, news.events)) is not None:
        boots = (*boots[:-1], next_boot)
    elif news.events:
        account = _Account(boots, closed, now)
        for event in news.events:
            if isinstance(event, Run):
                account.enter(event)
            else:
                account.announce(event)
        boots, closed = _within_limits(account.boots), account.closed
        duplicates += account.duplicates
        missing += account.more_missing
    return DeviceLedger(
        news.device_type or ledger.device_type,
        now if news.heard else ledger.heard_at,
        duplicates,
        ledger.unnumbered + news.unnumbered,
        ledger.unnumbered_refused + news.unnumbered_refused,
        missing,
        boots,
        closed,
    )


def _continued(boots: tuple[BootLedger, ...], events: Sequence[Run | Announcement]) -> BootLedger | None:
    """The last boot, where the next numbers of it came and nothing else: nearly always. Else None."""
    if len(events) != 1 or not boots:
        return None
    run, boot = events[0], boots[-1]
    if (
        type(run) is not Run
        or run.first != boot.last + 1
        or run.fate is not Fate.ACCEPTED
        or run.boot_id != boot.boot_id
        or boot.first is None
    ):
        return None
    # Spelled out, since _replace takes three times as long.
    return BootLedger(
        boot.boot_id,
        boot.first_ever,
        boot.first,
        run.last,
        boot.quarantined,
        boot.forgotten,
        boot.detailed_from,
        boot.gaps,
        boot.refused,
    )


class _Account:
    """The boots of a device while news are entered."""

    def __init__(self, boots: tuple[BootLedger, ...], closed: ClosedBoots, now: int) -> None:
        self.boots = list(boots)
        self.closed = closed
        self.duplicates = 0
        self.more_missing = 0
        """Less, where it is negative."""
        self._now = now

    def enter(self, run: Run) -> None:
        """Enter what became of some numbers."""
        boot = self._take(run.boot_id)
        if boot is None:
            self._enter_closed(run)
            return
        known = boot.span
        boot = _reaching(boot, run, self._now)
        gaps, fresh = cut(boot.gaps, run.first, run.last)
        self.more_missing += boot.span - known - count(fresh)
        refused, released = cut(boot.refused, run.first, run.last)
        quarantined = boot.quarantined
        if run.fate is Fate.ACCEPTED:
            quarantined -= count(released)
            self.duplicates += run.last - run.first + 1 - count(fresh) - count(released)
        elif run.fate is Fate.REFUSED:
            # What had been accepted stays so: it is a bad copy of a number that is accounted for.
            refused = union(boot.refused, fresh)
            quarantined += count(fresh)
        else:
            refused = union(boot.refused, [Span(run.first, run.last)])
            quarantined += run.last - run.first + 1 - count(released)
        self._put(boot._replace(gaps=gaps, refused=refused, quarantined=quarantined))

    def announce(self, announcement: Announcement) -> None:
        """Enter how far the device says that it counted."""
        for boot_id, last in self._accountable(announcement.ends):
            boot = self._take(boot_id)
            if boot is not None:
                if last > boot.last:
                    if boot.first is not None:
                        gap = Gap(boot.last + 1, last, self._now)
                        boot = boot._replace(gaps=(*boot.gaps, gap))
                        self.more_missing += last - boot.last
                    boot = boot._replace(last=last)
                self._put(boot)

    def _accountable(self, ends: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
        """The boots that are not of the time before the device was first seen."""
        if not self.boots:
            return ends[-1:]
        known = {boot.boot_id for boot in self.boots}.union(self.closed.names)
        first_known = next((place for place, (boot_id, _) in enumerate(ends) if boot_id in known), 0)
        return ends[first_known:]

    def _take(self, boot_id: str) -> BootLedger | None:
        """Take out a boot to put it back at the end, a new one if need be; None when it is closed."""
        for place, boot in enumerate(self.boots):
            if boot.boot_id == boot_id:
                return self.boots.pop(place)
        if boot_id in self.closed.names:
            return None
        first_ever = not self.boots
        return BootLedger(boot_id, first_ever, None if first_ever else 0, -1)

    def _put(self, boot: BootLedger) -> None:
        self.boots.append(boot)
        if len(self.boots) > BOOTS_KEPT:
            self.closed = _closing(self.closed, self.boots.pop(0))

    def _enter_closed(self, run: Run) -> None:
        numbers = run.last - run.first + 1
        closed = self.closed
        if run.fate is Fate.ACCEPTED:
            self.closed = closed._replace(received=closed.received + numbers)
        else:
            self.closed = closed._replace(quarantined=closed.quarantined + numbers)


def _reaching(boot: BootLedger, run: Run, now: int) -> BootLedger:
    """`boot` with bounds that hold the numbers of `run`, which are missing still."""
    if boot.first is None:
        last = max(boot.last, run.last)
        return boot._replace(first=run.first, last=last, gaps=(Gap(run.first, last, now),))
    if run.first < boot.first:
        before = Gap(run.first, boot.first - 1, now)
        boot = boot._replace(first=run.first, gaps=(before, *boot.gaps))
    if run.last > boot.last:
        after = Gap(boot.last + 1, run.last, now)
        boot = boot._replace(last=run.last, gaps=(*boot.gaps, after))
    return boot


def _within_limits(boots: Sequence[BootLedger]) -> tuple[BootLedger, ...]:
    """`boots` without the oldest details, where there are too many."""
    too_many_gaps = sum(len(boot.gaps) for boot in boots) - GAPS_KEPT
    too_many_refused = sum(len(boot.refused) for boot in boots) - REFUSED_KEPT
    if too_many_gaps <= 0 and too_many_refused <= 0:
        return tuple(boots)
    limited: list[BootLedger] = []
    for boot in boots:
        gaps, refused = boot.gaps[: max(0, too_many_gaps)], boot.refused[: max(0, too_many_refused)]
        too_many_gaps -= len(gaps)
        too_many_refused -= len(refused)
        ends = [each[-1].last + 1 for each in (gaps, refused) if each]
        limited.append(
            boot._replace(
                gaps=boot.gaps[len(gaps) :],
                refused=boot.refused[len(refused) :],
                forgotten=boot.forgotten + count(gaps),
                detailed_from=max([boot.detailed_from, *ends]),
            )
        )
    return tuple(limited)


def _closing(closed: ClosedBoots, boot: BootLedger) -> ClosedBoots:
    return ClosedBoots(
        (*closed.names, boot.boot_id)[-CLOSED_NAMES_KEPT:],
        closed.boots + 1,
        closed.received + boot.received,
        closed.quarantined + boot.quarantined,
        closed.missing + boot.missing,
    )
