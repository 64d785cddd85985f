"""A backtest raises and clears what the engine does with the same readings and its own clock."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import msgspec
from hypothesis import event, given
from hypothesis import strategies as st

from microgrid_common.runtime.alarm_backtest import run_backtest
from microgrid_common.schemas.alarm_rule import AlarmRule, AlarmRuleDraft
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.reading import Reading
from microgrid_common.schemas.tick import Tick
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.samples import SAMPLE_TIME
from microgrid_common.transforms.alarms.documents import (
    DeviceAlarms,
    GridAlarms,
    decode_device_alarms,
    decode_grid_alarms,
    encode_document,
)
from microgrid_common.transforms.alarms.evaluation import GridEvaluation
from microgrid_common.transforms.alarms.rule_plan import RulePlan

SECOND = timedelta(seconds=1)
DEVICES = [
    Device(grid_id="village-1", device_id="meter-1", device_type="meter"),
    Device(grid_id="village-1", device_id="meter-2", device_type="meter"),
]
OTHER_RULE = AlarmRule.model_validate(
    {
        "rule_id": "another",
        "version": 1,
        "name": "Another",
        "condition": {"type": "threshold", "metric": "consumption_kw", "comparison": ">", "threshold": 1},
        "severity": "critical",
        "message": "Look",
        "first_out_group": "all",
    }
)
Episode = tuple[str, datetime, datetime | None]

conditions = st.sampled_from(
    [
        {"type": "threshold", "metric": "battery_soc", "comparison": "<", "threshold": 2, "hysteresis": 1},
        {"type": "band", "metric": "battery_soc", "low": 1, "high": 3},
        {"type": "rate_of_change", "metric": "battery_soc", "per_minute": 5, "longest_gap_seconds": 30},
        {"type": "no_data", "metric": "battery_soc", "after_seconds": 60},
        {"type": "comparison", "metric": "battery_soc", "comparison": ">", "other_metric": "consumption_kw"},
        {"type": "expression", "expression": "battery_soc + consumption_kw > 4"},
        {"type": "status_change", "metric": "grid_tie_connected", "to": 0},
    ]
)
delays = st.sampled_from([0, 1, 7, 40, 120])
rules = st.builds(
    lambda condition, **more: AlarmRuleDraft.model_validate(
        {
            "rule_id": "tried",
            "name": "Tried",
            "condition": condition,
            "severity": "warning",
            "message": "Look",
            "first_out_group": "all",
            **more,
        }
    ),
    conditions,
    on_delay_seconds=delays,
    off_delay_seconds=delays,
    latching=st.booleans(),
    chattering_delay=st.booleans(),
)
metrics = st.fixed_dictionaries(
    {"consumption_kw": st.integers(0, 4)},
    optional={"battery_soc": st.integers(0, 4), "grid_tie_connected": st.integers(0, 1)},
)
# Seconds since the reading before it, and what each device measured then.
readings = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 5, 10, 30, 61, 300]), st.lists(metrics | st.none(), min_size=2, max_size=2)
    ),
    min_size=5,
    max_size=40,
)


class LiveEngine:
    """One grid, each entry in an evaluation of its own, and a clock that looks twice a second.

    A timer is told about half a second late.
    """

    def __init__(self, plan: RulePlan) -> None:
        self._plan = plan
        self._grid = encode_document(GridAlarms())
        self._documents: dict[str, bytes] = {}
        self._timers: dict[str, datetime] = {}
        self.episodes: dict[str, dict[str, Episode]] = defaultdict(dict)
        """Rule → alert → its device, beginning and end."""

    def measured(self, reading: Reading) -> None:
        self._work([reading.device_id], lambda evaluation: evaluation.on_reading(reading))

    def clock(self, now: datetime) -> None:
        due = tuple(device_id for device_id, timer in sorted(self._timers.items()) if timer <= now)
        if due:
            tick = Tick(grid_id="village-1", device_ids=due, at=now)
            self._work(due, lambda evaluation: evaluation.on_tick(tick))

    def _work(self, device_ids: Any, work: Any) -> None:
        grid = decode_grid_alarms(self._grid)
        devices = {
            device_id: decode_device_alarms(self._documents[device_id])
            if device_id in self._documents
            else DeviceAlarms()
            for device_id in device_ids
        }
        evaluation = GridEvaluation(
            "village-1", grid, devices, self._plan, parents={}, notice_quiet=timedelta(minutes=10)
        )
        work(evaluation)
        for device_id, document in devices.items():
            self._documents[device_id] = encode_document(document)
            self._timers.pop(device_id, None)
            if (timer := evaluation.timer_of(device_id)) is not None:
                self._timers[device_id] = timer
        self._grid = encode_document(grid)
        for alert in evaluation.changes.alerts.values():
            self.episodes[alert.rule_id][alert.id] = alert.device_id, alert.raised_at, alert.cleared_at


@given(tried=rules, sent=readings)
async def test_a_backtest_finds_the_episodes_that_the_engine_raised(
    tried: AlarmRuleDraft, sent: list[tuple[int, list[dict[str, float] | None]]]
) -> None:
    by_second: dict[datetime, list[Reading]] = defaultdict(list)
    now = SAMPLE_TIME
    for seconds, of_devices in sent:
        now += seconds * SECOND
        for device, measured in zip(DEVICES, of_devices, strict=True):
            if measured is not None:
                by_second[now].append(_reading(device, now, measured))
    end = now + timedelta(minutes=5)

    expected = _live_episodes(tried, by_second, end)
    store = FakeTelemetryStore()
    await store.write([reading for found in by_second.values() for reading in found])
    report = await run_backtest(
        store,
        tried,
        DEVICES,
        grid_id="village-1",
        start=SAMPLE_TIME,
        end=end,
        within=timedelta(minutes=1),
    )

    found = [(episode.device_id, episode.raised_at, episode.cleared_at) for episode in report.episodes]
    event(f"{tried.condition.type}: {min(len(found), 3)} episodes")
    assert sorted(found, key=_order) == expected


def _live_episodes(
    tried: AlarmRuleDraft, by_second: dict[datetime, list[Reading]], end: datetime
) -> list[Episode]:
    rule = AlarmRule.model_validate({**tried.model_dump(), "version": 1})
    engine = LiveEngine(RulePlan([rule, OTHER_RULE]))
    now = SAMPLE_TIME
    while now < end:
        for reading in by_second.get(now, []):
            engine.measured(reading)
        engine.clock(now + SECOND / 2)
        now += SECOND
    return sorted(engine.episodes[rule.rule_id].values(), key=_order)


def _order(episode: Episode) -> tuple[str, datetime]:
    return episode[:2]


def _reading(device: Device, at: datetime, measured: dict[str, float]) -> Reading:
    return Reading(
        grid_id=device.grid_id,
        device_id=device.device_id,
        timestamp=at,
        received_at=at,
        metrics=msgspec.convert(measured, dict[str, float]),
        device_type=device.device_type,
        component=device.component,
    )
