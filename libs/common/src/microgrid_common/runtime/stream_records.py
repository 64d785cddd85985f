"""The records in which what came of a message travels, beside its readings."""

from microgrid_common.ports.durable_log import Record
from microgrid_common.schemas.streams import NOTICE_KIND, PRESENCE_KIND, readings_stream_of
from microgrid_common.transforms.outcome import Outcome


def record_between_readings(outcome: Outcome, shards: int) -> Record | None:
    """A device's notice or presence, for the stream of its grid's readings; None when there is neither.

    It has an entry of its own between the readings before and after it, since those who read it go by the
    order.
    """
    if notice := outcome.notice:
        stream = readings_stream_of(notice.grid_id, shards)
        return Record(stream, NOTICE_KIND, notice.model_dump_json().encode())
    if presence := outcome.presence:
        return Record(readings_stream_of(presence.grid_id, shards), PRESENCE_KIND, presence.encode())
    return None
