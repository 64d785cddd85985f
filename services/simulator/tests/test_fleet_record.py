"""A fleet's devices on their own: what they send, what is wrong with it, and what the record says."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_common.schemas.backfill import BackfillRequest
from microgrid_common.schemas.quarantine import Reason
from microgrid_common.transforms.outcome import Outcome
from microgrid_common.transforms.pipeline import process
from microgrid_simulator.device import OutgoingMessage
from microgrid_simulator.fleet import BadMessage, FleetOptions, FleetRecord, expected_metrics
from microgrid_simulator.fleet.device import FleetDevice
from microgrid_simulator.fleet.measurements import JUNK, REFUSED_SAMPLES, junk, sent_metrics

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
STARTED_AT_MS = int(NOW.timestamp() * 1_000)


def device(*, number: int = 0, options: FleetOptions | None = None) -> FleetDevice:
    return FleetDevice(number, options or FleetOptions(), boot_id="5f2c", started_at_ms=STARTED_AT_MS)


def received(message: OutgoingMessage) -> Outcome:
    return process(message.topic, message.payload, NOW + timedelta(hours=1), {})


def send_all(sender: FleetDevice) -> list[OutgoingMessage]:
    messages = []
    while message := sender.next_message():
        messages.append(message)
        sender.sent(message)
    return messages


@pytest.mark.parametrize("bad", list(REFUSED_SAMPLES))
def test_a_refused_sample_is_refused_whole_for_the_reason_that_it_is_named_for(bad: BadMessage) -> None:
    assert set(sent_metrics(7, bad)).isdisjoint(expected_metrics(7)) or bad is not BadMessage.UNKNOWN_METRIC
    sender = device()
    sender.buffer.add(STARTED_AT_MS, sent_metrics(7, bad))
    (message,) = send_all(sender)
    outcome = received(message)
    assert outcome.readings == ()
    assert [defect.reason for defect in outcome.defects] == [Reason(bad)]
    assert [(numbers.first, numbers.last) for numbers in outcome.refused] == [(0, 0)]


def test_a_sample_that_is_bad_in_part_is_stored_as_expected_and_refused_as_well() -> None:
    sender = device()
    sender.buffer.add(STARTED_AT_MS, sent_metrics(7, BadMessage.IN_PART))
    (message,) = send_all(sender)
    outcome = received(message)
    assert [reading.metrics for reading in outcome.readings] == [expected_metrics(7)]
    assert [defect.reason for defect in outcome.defects] == [Reason.OUT_OF_RANGE]


@pytest.mark.parametrize("bad", list(JUNK))
def test_junk_is_refused_for_the_reason_that_it_is_named_for_and_shows_its_token(bad: BadMessage) -> None:
    message = junk(bad, "fleet-0", "device-0000", "junk-12")
    outcome = received(message)
    assert outcome.readings == ()
    assert outcome.defects[0].reason is Reason(bad)
    assert outcome.refused == ()
    assert b"junk-12" in message.payload


@pytest.mark.parametrize("seq", [0, 1, 79, 12_345])
def test_what_is_expected_is_what_the_platform_reads(seq: int) -> None:
    sender = device()
    sender.buffer.add(STARTED_AT_MS, sent_metrics(seq, None))
    (reading,) = received(send_all(sender)[0]).readings
    assert reading.metrics == expected_metrics(seq)


def test_a_device_measures_in_its_turn_and_never_twice_at_a_time() -> None:
    options = FleetOptions(devices=3, messages_per_second=1_500, bad_share=0)
    fleet = [device(number=number, options=options) for number in range(3)]
    times: list[datetime] = []
    for _ in range(100):
        for sender in fleet:
            sender.measure()
            times.extend(reading.timestamp for reading in received(send_all(sender)[0]).readings)
    assert times == sorted(times)
    assert times[3] - times[0] == timedelta(milliseconds=2)
    assert all(len(set(times[number::3])) == 100 for number in range(3))
    record = fleet[1].record()
    assert [record.timestamp_ms(seq) for seq in range(100)] == [
        int(time.timestamp() * 1_000) for time in times[1::3]
    ]


def test_the_same_seed_lets_the_same_go_wrong() -> None:
    def record(seed: int) -> dict[BadMessage, list[int]]:
        sender = device(options=FleetOptions(bad_share=0.3, seed=seed))
        for _ in range(100):
            sender.measure()
        return sender.record().bad

    assert record(1) == record(1) != record(2)


@given(
    steps=st.lists(st.sampled_from(["measure", "publish", "lose", "ask"]), max_size=150),
    capacity=st.integers(1, 10),
)
@settings(max_examples=50)
def test_the_record_has_every_number_once_and_knows_what_the_platform_makes_of_it(
    steps: list[str], capacity: int
) -> None:
    sender = device(options=FleetOptions(bad_share=0.5, samples_kept=capacity))
    at_the_broker: list[OutgoingMessage] = []
    random = Random(0)
    for step in steps:
        if step == "measure":
            sender.measure()
        elif step == "ask":
            first = random.randint(0, 20)
            sender.hear(BackfillRequest(boot_id="5f2c", ranges=((first, first + 5),)).encode())
        elif (message := sender.next_message()) and step == "publish":
            at_the_broker.append(message)
            sender.sent(message)
    record = sender.record()
    numbers = [
        n
        for ranges in (record.accepted, record.waiting, record.dropped)
        for low, high in ranges
        for n in range(low, high + 1)
    ]
    assert sorted(numbers) == list(range(steps.count("measure")))
    outcomes = [received(message) for message in at_the_broker]
    stored = {reading.seq for outcome in outcomes for reading in outcome.readings}
    assert stored == set(record.to_be_stored())
    shown = sum(not message.samples for message in at_the_broker)
    assert sum(entry.accepted for entry in record.junk) == shown


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    sender = device(options=FleetOptions(bad_share=0.5))
    for _ in range(50):
        sender.measure()
    send_all(sender)
    sender.measure()
    record = FleetRecord(options=FleetOptions(bad_share=0.5), boots=[sender.record()])
    record.write(tmp_path / "sent.json")
    assert FleetRecord.read(tmp_path / "sent.json") == record
    assert [path.name for path in tmp_path.iterdir()] == ["sent.json"]
    assert record.totals["measured"] == 51
    assert record.totals["accepted"] + record.totals["waiting"] == 51
    assert json.loads((tmp_path / "sent.json").read_text())["format"] == 1
