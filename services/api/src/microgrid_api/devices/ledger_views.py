"""The JSON of a device's ledger: what came of its numbered samples, and what is missing."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict, JsonValue

from microgrid_api.web.wire_time import WireTime
from microgrid_common.ports.ledger_store import DeviceAccount
from microgrid_common.schemas.ledger import BootLedger, ClosedBoots, DeviceKey, Span
from microgrid_common.transforms.ledger.asking import MissingRange, MissingState, missing_ranges
from microgrid_common.transforms.ledger.ranges import union

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MISSING: dict[str, JsonValue] = {
    "first": 120,
    "last": 164,
    "noticed_at": "2026-11-23T10:00:00.000Z",
    "state": "asked",
    "requests": 2,
    "asked_at": "2026-11-23T10:01:30.000Z",
}
_BOOT: dict[str, JsonValue] = {
    "boot_id": "5f2c",
    "first": 0,
    "last": 1234,
    "received": 1189,
    "quarantined": 1,
    "missing": 45,
    "detailed_from": 0,
    "received_ranges": [[0, 16], [18, 119], [165, 1234]],
    "quarantined_ranges": [[17, 17]],
    "missing_ranges": [_MISSING],
}
_CLOSED: dict[str, JsonValue] = {"boots": 3, "received": 25_000, "quarantined": 0, "missing": 12}


def _example(**fields: JsonValue) -> ConfigDict:
    return ConfigDict(use_attribute_docstrings=True, json_schema_extra={"examples": [fields]})


class MissingView(BaseModel):
    """Consecutive samples that have not come."""

    model_config = _example(**_MISSING)

    first: int
    last: int
    """Inclusive."""
    noticed_at: WireTime
    """When the ledger learned that they exist."""
    state: MissingState
    """`waiting`: not asked for yet; `asked`: asked for; `unanswered`: the device is not asked again."""
    requests: int
    """How often the device was asked for them."""
    asked_at: WireTime | None
    """The last time."""

    @classmethod
    def of(cls, missing: MissingRange) -> Self:
        """`missing` with its times as the API writes them."""
        return cls(
            first=missing.first,
            last=missing.last,
            noticed_at=_time(missing.noticed_at),
            state=missing.state,
            requests=missing.requests,
            asked_at=_time(missing.asked_at) if missing.asked_at else None,
        )


class BootView(BaseModel):
    """The samples of one start of a device, by their `seq`. Ranges are first and last, both inclusive."""

    model_config = _example(**_BOOT)

    boot_id: str
    first: int | None
    """Where the account begins: 0, or the lowest `seq` that came of the boot in which the device was first
    seen; null while none came."""
    last: int | None
    """The highest `seq` that came or that the device said it gave; null for none."""
    received: int
    """Samples that were accepted."""
    quarantined: int
    """Samples that lie in quarantine and were not accepted since."""
    missing: int
    """Samples that have not come."""
    detailed_from: int | None
    """The ranges tell all from this `seq` on; of lower ones, which were too many, only counts are left."""
    received_ranges: list[tuple[int, int]]
    quarantined_ranges: list[tuple[int, int]]
    missing_ranges: list[MissingView]

    @classmethod
    def of(cls, boot: BootLedger, missing: Iterable[MissingRange]) -> Self:
        """A boot as the API shows it.

        Args:
            boot: the boot.
            missing: what is missing of it.
        """
        detailed_from = None if boot.first is None else max(boot.first, boot.detailed_from)
        return cls(
            boot_id=boot.boot_id,
            first=boot.first,
            last=None if boot.last < 0 else boot.last,
            received=boot.received,
            quarantined=boot.quarantined,
            missing=boot.missing,
            detailed_from=detailed_from,
            received_ranges=[] if detailed_from is None else list(_received(boot, detailed_from)),
            quarantined_ranges=[(span.first, span.last) for span in boot.refused],
            missing_ranges=[MissingView.of(each) for each in missing],
        )


class ClosedBootsView(BaseModel):
    """Starts of the device that lie so far back that only counts are left of them."""

    model_config = _example(**_CLOSED)

    boots: int
    received: int
    quarantined: int
    missing: int

    @classmethod
    def of(cls, closed: ClosedBoots) -> Self:
        """`closed` without the names."""
        return cls(
            boots=closed.boots,
            received=closed.received,
            quarantined=closed.quarantined,
            missing=closed.missing,
        )


class LedgerView(BaseModel):
    """What came of a device's samples.

    Of those that the device numbers, each was received, lies in quarantine, or is missing.
    """

    model_config = _example(
        grid_id="village-1",
        device_id="inverter-1",
        device_type="inverter",
        last_heard_at="2026-11-23T10:01:40.000Z",
        received=26_189,
        duplicates=4,
        quarantined=1,
        missing=57,
        unnumbered=0,
        unnumbered_quarantined=0,
        boots=[_BOOT],
        closed_boots=_CLOSED,
    )

    grid_id: str
    device_id: str
    device_type: str
    last_heard_at: WireTime | None
    """When something last came from the device; null for never."""
    received: int
    """Numbered samples that were accepted, over all boots."""
    duplicates: int
    """How often a sample came that had been accepted before."""
    quarantined: int
    """Numbered samples that lie in quarantine and were not accepted since, over all boots."""
    missing: int
    """Numbered samples that have not come, over all boots."""
    unnumbered: int
    """Accepted samples without `boot_id` or `seq`."""
    unnumbered_quarantined: int
    """Messages in quarantine in which no `seq` could be read."""
    boots: list[BootView]
    """The last starts of the device, the one heard from last at the beginning."""
    closed_boots: ClosedBootsView

    @classmethod
    def of(cls, device: DeviceKey, account: DeviceAccount) -> Self:
        """The ledger of a device as the API shows it."""
        grid_id, device_id = device
        ledger = account.ledger
        missing = missing_ranges(ledger, account.asked)
        return cls(
            grid_id=grid_id,
            device_id=device_id,
            device_type=ledger.device_type,
            last_heard_at=_time(ledger.heard_at) if ledger.heard_at else None,
            received=ledger.received,
            duplicates=ledger.duplicates,
            quarantined=ledger.quarantined,
            missing=ledger.missing,
            unnumbered=ledger.unnumbered,
            unnumbered_quarantined=ledger.unnumbered_refused,
            boots=[
                BootView.of(boot, (each for each in missing if each.boot_id == boot.boot_id))
                for boot in reversed(ledger.boots)
            ],
            closed_boots=ClosedBootsView.of(ledger.closed),
        )


def _time(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _received(boot: BootLedger, detailed_from: int) -> Iterator[tuple[int, int]]:
    start = detailed_from
    for other in union([Span(gap.first, gap.last) for gap in boot.gaps], boot.refused):
        if other.first > start:
            yield start, other.first - 1
        start = max(start, other.last + 1)
    if start <= boot.last:
        yield start, boot.last
