"""What a device keeps and sends: numbered, in order, bounded, and again when it is asked."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from microgrid_common.schemas.backfill import BackfillRequest
from microgrid_common.schemas.telemetry import MAXIMUM_PAYLOAD_BYTES, MAXIMUM_SAMPLES
from microgrid_common.transforms.decode import decode_telemetry
from microgrid_simulator.device import Outbox, OutgoingMessage, SampleBuffer

TIME = "2026-11-23T10:00:00.000Z"


def outbox(*, samples: int = 0, capacity: int = 100) -> Outbox:
    box = Outbox("village-1", "meter-1", SampleBuffer(boot_id="5f2c", capacity=capacity))
    for number in range(samples):
        box.add(TIME, {"consumption_kw": float(number)})
    return box


def take(box: Outbox) -> OutgoingMessage:
    message = box.next_message()
    assert message
    box.sent(message)
    return message


def send_all(box: Outbox) -> list[int]:
    """Send everything; returns the numbers as the platform reads them."""
    numbers: list[int] = []
    while message := box.next_message():
        numbers.extend(numbers_in(message))
        box.sent(message)
    return numbers


def numbers_in(message: OutgoingMessage) -> list[int]:
    samples = decode_telemetry(message.payload)
    assert {sample.boot_id for sample in samples} == {"5f2c"}
    return [sample.seq for sample in samples if sample.seq is not None]


def ask(box: Outbox, *ranges: tuple[int, int], boot_id: str = "5f2c") -> None:
    box.ask(BackfillRequest(boot_id=boot_id, ranges=ranges).encode())


def test_a_sample_is_a_message_of_its_own_while_the_broker_keeps_up() -> None:
    box = outbox(samples=2)
    message = take(box)
    assert message.topic == "microgrid/village-1/device/meter-1/telemetry"
    assert json.loads(message.payload) == {
        "schema": 1,
        "timestamp": TIME,
        "boot_id": "5f2c",
        "seq": 0,
        "metrics": {"consumption_kw": 0.0},
    }
    assert not message.is_backlog
    assert numbers_in(take(box)) == [1]
    assert box.next_message() is None


def test_a_message_that_the_broker_has_not_taken_comes_again() -> None:
    box = outbox(samples=1)
    assert box.next_message() == box.next_message()


def test_what_gathered_while_the_broker_was_away_goes_as_one_backlog_in_order() -> None:
    box = outbox(samples=50)
    message = take(box)
    assert message.is_backlog
    assert numbers_in(message) == list(range(50))
    assert box.next_message() is None


def test_a_backlog_has_at_most_as_many_samples_as_a_message_may_have() -> None:
    box = outbox(samples=MAXIMUM_SAMPLES + 10, capacity=2_000)
    assert len(take(box).samples) == MAXIMUM_SAMPLES
    assert len(take(box).samples) == 10


def test_a_backlog_is_no_larger_than_a_message_may_be() -> None:
    box = outbox(capacity=1_000)
    for _ in range(200):
        box.add(TIME, {f"metric_{number}": 1.0 for number in range(60)})
    sizes = []
    while message := box.next_message():
        sizes.append(len(message.payload))
        box.sent(message)
    assert len(sizes) > 1
    assert MAXIMUM_PAYLOAD_BYTES * 0.9 < sizes[0] <= MAXIMUM_PAYLOAD_BYTES


def test_a_full_buffer_drops_the_oldest_and_counts_what_the_broker_never_had() -> None:
    box = outbox(samples=3, capacity=4)
    send_all(box)
    for _ in range(5):
        box.add(TIME, {"consumption_kw": 1.0})
    assert box.buffer.dropped == 1
    assert send_all(box) == [4, 5, 6, 7]


def test_what_is_asked_for_is_sent_again_as_far_as_it_is_there() -> None:
    box = outbox(samples=10, capacity=8)
    send_all(box)
    ask(box, (0, 3), (6, 6))
    message = take(box)
    assert message.is_backlog
    assert numbers_in(message) == [2, 3, 6]
    assert box.resent == 3
    assert box.next_message() is None


def test_new_samples_go_before_answers() -> None:
    box = outbox(samples=1)
    send_all(box)
    ask(box, (0, 0))
    box.add(TIME, {"consumption_kw": 1.0})
    assert send_all(box) == [1, 0]


def test_a_request_for_another_boot_or_in_another_form_is_passed_over() -> None:
    box = outbox(samples=3)
    send_all(box)
    ask(box, (0, 2), boot_id="0000")
    for payload in (b"", b"[]", b"\xff", b'{"schema":1,"boot_id":"5f2c"}'):
        box.ask(payload)
    assert box.next_message() is None


def test_a_request_that_comes_while_another_is_answered_is_dropped() -> None:
    box = outbox(samples=5)
    send_all(box)
    ask(box, (0, 1))
    ask(box, (3, 4))
    assert send_all(box) == [0, 1]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 25)), min_size=1, max_size=32))
@settings(max_examples=50)
def test_any_request_is_answered_with_exactly_what_is_there(spans: list[tuple[int, int]]) -> None:
    box = outbox(samples=40, capacity=30)
    send_all(box)
    ranges = [(first, first + length) for first, length in spans]
    ask(box, *ranges)
    assert send_all(box) == [n for n in range(10, 40) if any(low <= n <= high for low, high in ranges)]


class DeviceAndBroker(RuleBasedStateMachine):
    """A device beside a broker that comes and goes."""

    @initialize(capacity=st.integers(1, 30))
    def start(self, capacity: int) -> None:
        self.capacity = capacity
        self.box = outbox(capacity=capacity)
        self.at_the_broker: list[int] = []

    @rule(count=st.integers(1, 20))
    def measure(self, count: int) -> None:
        for _ in range(count):
            self.box.add(TIME, {"consumption_kw": 1.0})

    @rule(acknowledged=st.booleans())
    def publish(self, *, acknowledged: bool) -> None:
        if message := self.box.next_message():
            self.at_the_broker.extend(numbers_in(message))
            if acknowledged:
                self.box.sent(message)

    @rule(count=st.integers(1, 5))
    def publish_while_measuring(self, count: int) -> None:
        message = self.box.next_message()
        self.measure(count)
        if message:
            self.at_the_broker.extend(numbers_in(message))
            self.box.sent(message)

    @precondition(lambda self: self.box.buffer.last_seq is not None)
    @rule(data=st.data())
    def request(self, data: Any) -> None:
        last = self.box.buffer.last_seq or 0
        first = data.draw(st.integers(0, last))
        ask(self.box, (first, data.draw(st.integers(first, last))))

    @invariant()
    def every_number_is_at_the_broker_or_waits_or_was_counted_as_dropped(self) -> None:
        measured = 0 if self.box.buffer.last_seq is None else self.box.buffer.last_seq + 1
        waiting = {sample.seq for sample in self.box.buffer.unsent(1_000)}
        lost = set(range(measured)) - set(self.at_the_broker) - waiting
        assert len(lost) <= self.box.buffer.dropped
        assert len(waiting) <= self.capacity

    def teardown(self) -> None:
        send_all(self.box)
        assert self.box.buffer.unsent_count == 0
        assert self.box.next_message() is None


TestDeviceAndBroker = DeviceAndBroker.TestCase
TestDeviceAndBroker.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
