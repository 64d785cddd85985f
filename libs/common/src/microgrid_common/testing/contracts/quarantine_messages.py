"""Messages in quarantine, for the contract of `Quarantine` and for other tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from microgrid_common.ports.durable_log import DurableLog, Record
from microgrid_common.ports.quarantine import Quarantine, QuarantineFilter
from microgrid_common.schemas.quarantine import Defect, QuarantinedMessage, Reason
from microgrid_common.schemas.quarantine_entry import QuarantineEntry, QuarantineState
from microgrid_common.schemas.streams import QUARANTINE_STREAM, QUARANTINED_KIND

T0 = datetime(2026, 11, 23, 10, tzinfo=UTC)
ALL = QuarantineFilter(state=None)
OPEN, REPLAYED, DISCARDED = QuarantineState.OPEN, QuarantineState.REPLAYED, QuarantineState.DISCARDED
OUT_OF_RANGE = Defect(
    reason=Reason.OUT_OF_RANGE, field="metrics.battery_soc", detail="130 is outside 0 to 100 %"
)
REJECTED = Defect(reason=Reason.REJECTED_BY_STORE, detail="too old")


def refused(number: int = 0, **fields: Any) -> QuarantinedMessage:
    """A message that was refused; of each number another one."""
    raw = fields.pop("raw", b"%d" % number)
    kept = {
        "received_at": T0 + timedelta(microseconds=number),
        "topic": "microgrid/village/device/meter/telemetry",
        "grid_id": "village",
        "device_id": "meter",
        "defects": (OUT_OF_RANGE,),
        "raw": raw,
        "raw_size_bytes": len(raw),
    }
    return QuarantinedMessage.model_validate({**kept, **fields})


async def put(log: DurableLog, *messages: QuarantinedMessage) -> None:
    """Put messages in quarantine, as the ingestor does."""
    await log.append(
        [
            Record(QUARANTINE_STREAM, QUARANTINED_KIND, message.model_dump_json().encode())
            for message in messages
        ]
    )


async def found(
    quarantine: Quarantine, wanted: QuarantineFilter = ALL, *, oldest_first: bool = True
) -> list[QuarantineEntry]:
    """Everything that is wanted, in one page."""
    return (await quarantine.find(wanted, limit=1_000, oldest_first=oldest_first)).entries


async def numbers(quarantine: Quarantine, wanted: QuarantineFilter = ALL) -> list[int]:
    """The numbers of the messages that are wanted, in the order in which they came."""
    return [number_of(entry) for entry in await found(quarantine, wanted)]


def number_of(entry: QuarantineEntry) -> int:
    """The number that `refused` was given."""
    return (entry.received_at - T0) // timedelta(microseconds=1)
