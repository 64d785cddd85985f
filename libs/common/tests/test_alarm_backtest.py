"""What a rule would have raised over stored readings."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from microgrid_common.ports.errors import RetryableError
from microgrid_common.runtime.alarm_backtest import devices_of_grid, run_backtest
from microgrid_common.schemas.alarm_backtest import BacktestReport
from microgrid_common.schemas.alarm_rule import AlarmRuleDraft
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.device_link import DeviceLink
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry
from microgrid_common.testing.fakes.link_store import FakeLinkStore
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.samples import SAMPLE_TIME, sample_reading
from microgrid_common.transforms.alarms import backtest
from microgrid_common.transforms.alarms.backtest import BacktestRefusedError

END = SAMPLE_TIME + timedelta(hours=2)
METER = Device(grid_id="village-1", device_id="meter", device_type="meter")
LOW: dict[str, Any] = {"type": "threshold", "metric": "battery_soc", "comparison": "<", "threshold": 20}
SILENT: dict[str, Any] = {"type": "no_data", "metric": "battery_soc", "after_seconds": 300}


def rule(condition: dict[str, Any] = LOW, **more: Any) -> AlarmRuleDraft:
    return AlarmRuleDraft.model_validate(
        {
            "rule_id": "tried",
            "name": "Tried",
            "condition": condition,
            "severity": "warning",
            "message": "Look",
            **more,
        }
    )


def at(minute: float) -> datetime:
    return SAMPLE_TIME + timedelta(minutes=minute)


async def report_on(
    tried: AlarmRuleDraft,
    *readings: tuple[float, dict[str, float]],
    devices: Sequence[Device] = (METER,),
    end: datetime = END,
) -> BacktestReport:
    """The report on readings (minute, metrics) that each of the devices sent."""
    store = FakeTelemetryStore()
    for device in devices:
        await store.write(
            [
                replace(
                    sample_reading(at(minute), grid_id="village-1", device_id=device.device_id),
                    metrics=metrics,
                )
                for minute, metrics in readings
            ]
        )
    return await run_backtest(
        store, tried, devices, grid_id="village-1", start=SAMPLE_TIME, end=end, within=timedelta(seconds=30)
    )


def soc(*values: float) -> list[tuple[float, dict[str, float]]]:
    """One reading a minute."""
    return [(minute, {"battery_soc": value}) for minute, value in enumerate(values)]


def minutes_of(report: BacktestReport) -> list[tuple[float, float | None]]:
    minute = timedelta(minutes=1)
    return [
        (
            (episode.raised_at - SAMPLE_TIME) / minute,
            None if episode.cleared_at is None else (episode.cleared_at - SAMPLE_TIME) / minute,
        )
        for episode in report.episodes
    ]


@pytest.mark.parametrize(
    ("delays", "expected"),
    [
        ({}, [(1, 2), (4, 7)]),
        ({"on_delay_seconds": 90}, [(5.5, 7)]),
        ({"on_delay_seconds": 180}, [(7, 7)]),
        ({"off_delay_seconds": 90}, [(1, 3.5), (4, 8.5)]),
        ({"off_delay_seconds": 150}, [(1, 9.5)]),
        ({"off_delay_seconds": 7_200}, [(1, None)]),
        ({"latching": True}, [(1, None)]),
    ],
)
async def test_delays_are_those_of_the_engine(
    delays: dict[str, Any], expected: list[tuple[float, float | None]]
) -> None:
    report = await report_on(rule(**delays), *soc(50, 19, 50, 50, 18, 15, 17, 50, 50))
    assert minutes_of(report) == expected


async def test_a_delay_is_over_when_the_time_says_so_even_if_nothing_more_comes() -> None:
    report = await report_on(rule(on_delay_seconds=600), *soc(19))
    assert minutes_of(report) == [(10, None)]
    assert report.active_seconds == 110 * 60


async def test_what_would_come_after_the_end_does_not_come() -> None:
    tried = rule(on_delay_seconds=600)
    assert (await report_on(tried, *soc(19), end=at(10))).alarms == 0
    assert (await report_on(rule(SILENT), *soc(50), end=at(5))).alarms == 0


async def test_silence_of_a_metric_is_an_alarm_until_it_is_heard_again() -> None:
    readings = [
        (0.0, {"battery_soc": 50.0}),
        (4.0, {"consumption_kw": 1.0}),
        (5.0, {"battery_soc": 50.0}),
        (10.5, {"battery_soc": 50.0}),
        (12.0, {"consumption_kw": 1.0}),
    ]
    report = await report_on(rule(SILENT), *readings)
    assert minutes_of(report) == [(10, 10.5), (15.5, None)]
    assert report.readings_judged == 3


async def test_an_alarm_that_comes_and_goes_is_made_to_last_as_the_engine_does() -> None:
    coming_and_going = [(minute / 2, metrics) for minute, metrics in soc(*(19, 50) * 6)]
    calmed = await report_on(rule(), *coming_and_going)
    plain = await report_on(rule(chattering_delay=False), *coming_and_going)
    assert minutes_of(plain) == [(minute, minute + 0.5) for minute in range(6)]
    # From the third on a minute is added, which it was never normal for.
    assert minutes_of(calmed) == [(0, 0.5), (1, 1.5), (2, 6.5)]
    assert (plain.worst_10_minutes_alarms, plain.chattering_alarms, calmed.chattering_alarms) == (6, 1, 1)


async def test_the_peak_is_the_reading_that_was_furthest_beyond_the_limit() -> None:
    values = soc(19, 12, 15, 50, 10, 50, 18, 50)
    report = await report_on(rule(), *values)
    assert [episode.peak and episode.peak.metrics for episode in report.episodes] == [
        {"battery_soc": 12},
        {"battery_soc": 10},
        {"battery_soc": 18},
    ]
    # That before the alarm itself counts, too; a low that was too short for one does not.
    report = await report_on(rule(on_delay_seconds=90), *soc(1, 50, 5, 15, 15, 50))
    assert [episode.peak and episode.peak.timestamp for episode in report.episodes] == [at(2)]


async def test_an_expression_has_no_peak() -> None:
    report = await report_on(rule({"type": "expression", "expression": "battery_soc < 20"}), *soc(19, 50))
    assert [episode.peak for episode in report.episodes] == [None]


async def test_each_device_is_judged_by_itself_in_order_of_time() -> None:
    devices = [METER, Device(grid_id="village-1", device_id="another")]
    report = await report_on(rule(message="{battery_soc:.0f} of {device_id}"), *soc(19, 50), devices=devices)
    assert [(episode.device_id, episode.message) for episode in report.episodes] == [
        ("another", "19 of another"),
        ("meter", "19 of meter"),
    ]
    assert (report.devices, report.alarms, report.active_seconds) == (2, 2, 120)


async def test_only_devices_that_the_rule_concerns_are_judged() -> None:
    battery = Device(grid_id="village-1", device_id="battery", device_type="battery")
    report = await report_on(
        rule(scope={"device_type": "battery"}, enabled=False), *soc(19), devices=[METER, battery]
    )
    assert [episode.device_id for episode in report.episodes] == ["battery"]
    assert report.devices == 1


async def test_times_without_anything_to_judge_are_gaps() -> None:
    hourly = METER.model_copy(update={"device_id": "hourly", "expected_interval_seconds": 1_500})
    readings = [(0.0, {"battery_soc": 50.0}), (20.0, {"consumption_kw": 1.0}), (50.0, {"battery_soc": 50.0})]
    report = await report_on(rule(), *readings, devices=[METER, hourly])
    assert [(gap.device_id, gap.start, gap.end) for gap in report.gaps] == [
        ("meter", at(50), END),
        ("meter", at(0), at(50)),
    ]
    assert report.gap_seconds == 120 * 60


async def test_lists_are_cut_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtest, "EPISODES_SHOWN", 1)
    monkeypatch.setattr(backtest, "GAPS_SHOWN", 1)
    devices = [METER, Device(grid_id="village-1", device_id="another")]
    report = await report_on(rule(), *soc(19, 50), devices=devices)
    assert (len(report.episodes), report.episodes_left_out, report.alarms) == (1, 1, 2)
    assert (len(report.gaps), report.gaps_left_out) == (1, 1)


@pytest.mark.parametrize(
    ("condition", "field", "reason"),
    [
        ({"type": "disconnected"}, "rule.condition", "not stored"),
        ({"type": "no_data"}, "rule.condition", "name a metric"),
        ({"type": "expression", "expression": "1 / (battery_soc - 50) > 1"}, "rule.condition", "zero"),
        ({"type": "expression", "expression": "battery_soc <"}, "rule.condition", "cannot be read"),
    ],
)
async def test_a_rule_that_cannot_be_judged_is_refused(
    condition: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(BacktestRefusedError, match=reason) as refused:
        await report_on(rule(condition), *soc(51, 50, 49))
    assert refused.value.field == field


async def test_a_rule_that_raises_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtest, "MOST_ALARMS", 3)
    tried = rule(chattering_delay=False)
    assert (await report_on(tried, *soc(*(19, 50) * 3))).alarms == 3
    with pytest.raises(BacktestRefusedError, match="more than 3 alarms"):
        await report_on(tried, *soc(*(19, 50) * 4))


async def test_more_devices_or_time_than_can_be_judged_are_refused() -> None:
    many = [Device(grid_id="village-1", device_id=f"meter-{number}") for number in range(201)]
    with pytest.raises(BacktestRefusedError, match="201 devices") as refused:
        await report_on(rule(), devices=many)
    assert refused.value.field == "rule.scope"
    with pytest.raises(BacktestRefusedError, match="31 days"):
        await report_on(rule(), end=SAMPLE_TIME + timedelta(days=31, milliseconds=1))
    with pytest.raises(BacktestRefusedError, match="before `to`"):
        await report_on(rule(), end=SAMPLE_TIME)


async def test_what_takes_too_long_is_refused() -> None:
    store = FakeTelemetryStore()
    await store.write([sample_reading(SAMPLE_TIME, grid_id="village-1", device_id="meter", battery_soc=50)])
    with pytest.raises(BacktestRefusedError, match="longer than 0 s"):
        await run_backtest(
            store,
            rule(),
            [METER],
            grid_id="village-1",
            start=SAMPLE_TIME,
            end=END,
            within=timedelta(0),
        )


async def test_devices_of_a_grid_are_those_registered_and_those_heard() -> None:
    registry, links = FakeDeviceRegistry(), FakeLinkStore()
    await registry.put([METER, Device(grid_id="village-2", device_id="elsewhere")])
    for device_id in ("meter", "guest"):
        links.links["village-1", device_id] = DeviceLink(
            grid_id="village-1", device_id=device_id, connected=True, since=SAMPLE_TIME
        )
    guest = Device(grid_id="village-1", device_id="guest")
    assert await devices_of_grid(registry, links, "village-1") == [guest, METER]


async def test_a_store_that_is_away_is_no_empty_report() -> None:
    store = FakeTelemetryStore()
    store.fail_next(RetryableError("away"))
    with pytest.raises(RetryableError):
        await run_backtest(
            store,
            rule(),
            [METER],
            grid_id="village-1",
            start=SAMPLE_TIME,
            end=END,
            within=timedelta(seconds=30),
        )
