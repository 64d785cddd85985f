"""The history that the evaluation alone makes of the entries of the log. Pure: no I/O."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta

from tests.prove.alarm_checks import History
from tests.prove.evidence import Device

from microgrid_common.ports.durable_log import Entry
from microgrid_common.schemas.device_link import LinkEvent
from microgrid_common.schemas.reading import Reading, decode_readings
from microgrid_common.schemas.streams import LINK_KIND, READINGS_KIND, TICK_KIND
from microgrid_common.schemas.tick import Tick
from microgrid_common.transforms.alarms.documents import DeviceAlarms, GridAlarms
from microgrid_common.transforms.alarms.evaluation import GridEvaluation
from microgrid_common.transforms.alarms.rule_plan import RulePlan


def replay(
    entries: Iterable[Entry], plan: RulePlan, *, parents: Mapping[Device, str], notice_quiet: timedelta
) -> History:
    """Work on all entries at once.

    Args:
        entries: of all shards; those of one grid in their order.
        plan: the rules in force.
        parents: device → the gateway that it reports through.
        notice_quiet: as the engines'.
    """
    evaluations: dict[str, GridEvaluation] = {}
    documents: dict[str, dict[str, DeviceAlarms]] = defaultdict(lambda: defaultdict(DeviceAlarms))
    for entry in entries:
        for each in _inputs(entry):
            evaluation = evaluations.get(each.grid_id)
            if evaluation is None:
                evaluation = evaluations[each.grid_id] = GridEvaluation(
                    each.grid_id,
                    GridAlarms(),
                    documents[each.grid_id],
                    plan,
                    parents={
                        device.device_id: gateway
                        for device, gateway in parents.items()
                        if device.grid_id == each.grid_id
                    },
                    notice_quiet=notice_quiet,
                )
            match each:
                case Reading():
                    evaluation.on_reading(each)
                case LinkEvent():
                    evaluation.on_link(each)
                case Tick():
                    evaluation.on_tick(each)
    return History(
        events={grid_id: one.changes.events for grid_id, one in evaluations.items() if one.changes.events},
        records={
            alert_id: alert for one in evaluations.values() for alert_id, alert in one.changes.alerts.items()
        },
    )


def _inputs(entry: Entry) -> Iterable[Reading | LinkEvent | Tick]:
    match entry.kind:
        case kind if kind == READINGS_KIND:
            return decode_readings(entry.data)
        case kind if kind == LINK_KIND:
            return [LinkEvent.model_validate_json(entry.data)]
        case kind if kind == TICK_KIND:
            return [Tick.model_validate_json(entry.data)]
        case kind:
            raise ValueError(f"nobody appended entries of the kind {kind!r}")
