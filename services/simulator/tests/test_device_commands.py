"""A simulated device does what it is told: each command once, none too late, and says how it ended."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.schemas.command import (
    CommandAcknowledgement,
    CommandMessage,
    Parameters,
    command_id,
)
from microgrid_common.schemas.status import BootEnd, DeviceStatus
from microgrid_common.testing.samples import SAMPLE_TIME
from microgrid_simulator.device import (
    CommandDesk,
    Outbox,
    OutgoingMessage,
    SampleBuffer,
    StatusMessages,
)

EXPIRES = SAMPLE_TIME + timedelta(minutes=1)
TIME = "2026-11-23T10:00:00.000Z"


class Device:
    def __init__(self) -> None:
        self.done: list[Parameters] = []
        self.buffer = SampleBuffer(boot_id="5f2c", capacity=10)
        self.outbox = Outbox("village-1", "inverter-1", self.buffer)
        self.desk = CommandDesk(self.outbox, {"identify": self._identify})

    def _identify(self, parameters: Parameters, _: Any) -> str:
        self.done.append(parameters)
        return "blinks"

    def hear(self, number: int = 1, *, after: timedelta = timedelta(), **fields: Any) -> None:
        message = CommandMessage(
            **{
                "command_id": command_id(SAMPLE_TIME, f"{number:016x}"),
                "command": "identify",
                "parameters": {},
                "expires_at": EXPIRES,
                **fields,
            }
        )
        self.desk.hear(message.encode(), SAMPLE_TIME + after)

    def measure(self) -> None:
        self.outbox.add(TIME, {"generation_kw": 1.0})

    def send_all(self) -> list[OutgoingMessage]:
        sent = []
        while message := self.outbox.next_message():
            assert self.outbox.next_message() == message
            self.outbox.sent(message)
            sent.append(message)
        return sent

    def says(self) -> list[tuple[str, str | None]]:
        """What it says about commands: state and detail."""
        answers = [message for message in self.send_all() if message.topic.endswith("/command/ack")]
        acknowledgements = [CommandAcknowledgement.model_validate_json(each.payload) for each in answers]
        return [(said.state.value, said.detail) for said in acknowledgements]


@pytest.fixture
def device() -> Device:
    return Device()


def test_a_device_says_that_it_has_a_command_and_then_how_it_ended(device: Device) -> None:
    device.hear(parameters={"seconds": 3})
    assert device.done == [{"seconds": 3}]
    assert device.says() == [("delivered", None), ("succeeded", "blinks")]


def test_what_is_left_out_of_a_command_is_what_the_catalogue_says(device: Device) -> None:
    device.hear()
    assert device.done == [{"seconds": 10}]


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"command": "explode"}, "unknown command"),
        ({"command": "set_relay", "parameters": {"closed": True}}, "unknown command"),
        ({"parameters": {"seconds": 0}}, "seconds: A whole number from 1 to 600 s"),
        ({"command": "restart", "parameters": {"now": True}}, "now: No parameter of restart; allowed: none"),
    ],
)
def test_what_a_device_cannot_do_it_says(device: Device, fields: dict[str, Any], detail: str) -> None:
    device.hear(**fields)
    assert device.says() == [("delivered", None), ("failed", detail)]
    assert device.buffer.boot_id == "5f2c"


def test_a_command_that_comes_again_is_answered_again_and_not_done_again(device: Device) -> None:
    device.hear()
    device.hear(after=timedelta(seconds=59))
    assert len(device.done) == 1
    assert device.says() == [("delivered", None), ("succeeded", "blinks"), ("succeeded", "blinks")]


def test_a_command_that_has_expired_is_passed_over_in_silence(device: Device) -> None:
    device.hear(after=timedelta(minutes=1))
    assert (device.done, device.says()) == ([], [])


@pytest.mark.parametrize("payload", [b"", b"[]", b"\xff", b'{"schema":1,"command":"restart"}'])
def test_what_is_no_command_is_passed_over(device: Device, payload: bytes) -> None:
    device.desk.hear(payload, SAMPLE_TIME)
    assert device.says() == []


def test_answers_go_before_samples(device: Device) -> None:
    device.measure()
    device.hear()
    topics = [message.topic.rpartition("/")[2] for message in device.send_all()]
    assert topics == ["ack", "ack", "telemetry"]


def test_a_restart_begins_a_new_boot_after_everything_of_the_old_one_is_sent(device: Device) -> None:
    device.measure()
    device.measure()
    device.hear(command="restart")
    begun, first, second, ended = device.send_all()
    assert b"delivered" in begun.payload
    assert (first.samples[0].seq, second.samples[0].seq) == (0, 1)
    assert b"succeeded" in ended.payload
    assert [message.after_restart for message in (begun, first, second, ended)] == [False] * 3 + [True]
    assert device.buffer.boot_id == "5f2c-1"
    assert device.buffer.dropped == 0
    device.measure()
    ((sample,),) = [message.samples for message in device.send_all()]
    assert sample.seq == 0
    assert b'"boot_id":"5f2c-1"' in sample.text


def test_a_device_that_has_restarted_remembers_what_it_has_done(device: Device) -> None:
    device.hear(command="restart")
    device.send_all()
    device.hear(command="restart")
    assert device.says() == [("succeeded", "restarted")]
    assert device.buffer.boot_id == "5f2c-1"


def test_two_restarts_at_once_are_one_and_both_are_answered(device: Device) -> None:
    device.hear(1, command="restart")
    device.hear(2, command="restart")
    assert [state for state, _ in device.says()] == ["delivered", "delivered", "succeeded", "succeeded"]
    assert device.buffer.boot_id == "5f2c-1"


def test_the_birth_after_a_restart_says_how_far_the_boots_before_it_came(device: Device) -> None:
    status = StatusMessages("village-1", "inverter-1", device.buffer)
    for number in range(9):
        device.measure()
        device.hear(number, command="restart")
        device.send_all()
    birth = DeviceStatus.model_validate_json(status().online)
    assert (birth.boot_id, birth.last_seq) == ("5f2c-9", None)
    assert birth.earlier_boots == tuple(
        BootEnd(boot_id=f"5f2c-{number}", last_seq=0) for number in range(2, 9)
    )


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 90)), max_size=20))
def test_whatever_comes_however_often_each_command_is_done_at_most_once_and_in_time(
    heard: list[tuple[int, int]],
) -> None:
    device = Device()
    for number, second in heard:
        device.hear(number, after=timedelta(seconds=second), parameters={"seconds": number + 1})
    in_time = {number for number, second in heard if second < 60}
    # A clock that went back past what it has forgotten is another device's problem.
    if [second for _, second in heard] == sorted(second for _, second in heard):
        assert sorted(int(done["seconds"]) - 1 for done in device.done) == sorted(in_time)
