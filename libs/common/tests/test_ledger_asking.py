"""What is asked back from a device, and when."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_common.schemas.backfill import MAXIMUM_NUMBERS, MAXIMUM_RANGES, BackfillRequest
from microgrid_common.schemas.ledger import AskedRange, DeviceLedger
from microgrid_common.transforms.ledger.asking import (
    BackfillPolicy,
    MissingState,
    Plan,
    missing_ranges,
    plan,
)
from microgrid_common.transforms.ledger.news import Fate, News, Run
from microgrid_common.transforms.ledger.transitions import updated

SECOND = 1_000
GRACE = 30 * SECOND
INTERVAL = 60 * SECOND
POLICY = BackfillPolicy(grace=timedelta(seconds=30), interval=timedelta(seconds=60), attempts=3)


class Device:
    """A device, its ledger, and what it was asked for, at a time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000
        self.ledger = DeviceLedger("meter")
        self.asked: Sequence[AskedRange] = ()

    def sends(self, *numbers: int, boot_id: str = "a") -> None:
        self.now += 1
        runs = [Run(Fate.ACCEPTED, boot_id, number, number) for number in numbers]
        for run in runs:
            self.ledger = updated(self.ledger, News([run], heard=True), now=self.now)

    def pass_by(self, milliseconds: int) -> None:
        self.now += milliseconds

    def plan(self) -> Plan:
        made = plan(self.ledger, self.asked, POLICY, now=self.now)
        self.asked = made.asked
        return made

    def is_asked(self) -> tuple[tuple[int, int], ...]:
        request = self.plan().request
        return request.ranges if request else ()

    def states(self) -> list[tuple[int, int, str, int]]:
        return [
            (part.first, part.last, part.state, part.requests)
            for part in missing_ranges(self.ledger, self.asked)
        ]


def device_with_gaps(*, numbers: Iterable[int] = (0, 5)) -> Device:
    device = Device()
    device.sends(*numbers)
    return device


class TestWhen:
    def test_nothing_is_asked_before_the_grace_time_is_over(self) -> None:
        device = device_with_gaps()
        device.pass_by(GRACE - 1)
        waiting = device.plan()
        assert (waiting.request, waiting.look_again_at) == (None, device.now + 1)
        assert device.states() == [(1, 4, MissingState.WAITING, 0)]

    def test_after_it_the_missing_numbers_are_asked_for(self) -> None:
        device = device_with_gaps()
        device.pass_by(GRACE)
        made = device.plan()
        assert made.request == BackfillRequest(boot_id="a", ranges=((1, 4),))
        assert made.look_again_at == device.now + INTERVAL
        assert device.states() == [(1, 4, MissingState.ASKED, 1)]

    def test_a_device_is_asked_again_after_the_interval_and_not_before(self) -> None:
        device = device_with_gaps()
        device.pass_by(GRACE)
        device.is_asked()
        device.sends(6)
        device.pass_by(INTERVAL - 2)
        assert device.is_asked() == ()
        device.pass_by(1)
        assert device.is_asked() == ((1, 4),)

    def test_another_gap_does_not_shorten_the_interval(self) -> None:
        device = device_with_gaps()
        device.pass_by(GRACE)
        device.is_asked()
        device.sends(9)
        device.pass_by(GRACE)
        waiting = device.plan()
        assert (waiting.request, waiting.look_again_at) == (None, device.now + INTERVAL - GRACE - 1)
        device.pass_by(INTERVAL - GRACE - 1)
        assert device.is_asked() == ((1, 4), (6, 8))

    def test_a_device_that_has_been_silent_since_is_not_asked_again(self) -> None:
        device = device_with_gaps()
        device.pass_by(GRACE)
        device.is_asked()
        for _ in range(100):
            device.pass_by(INTERVAL)
            assert device.is_asked() == ()
        device.sends(6)
        assert device.is_asked() == ((1, 4),)

    def test_after_the_last_attempt_it_stays_listed_as_unanswered(self) -> None:
        device = device_with_gaps()
        device.pass_by(GRACE)
        for attempt in range(POLICY.attempts):
            assert device.is_asked() == ((1, 4),)
            assert device.states() == [(1, 4, MissingState.ASKED, attempt + 1)]
            device.pass_by(INTERVAL)
            device.sends(6 + attempt)
        assert device.is_asked() == ()
        assert device.states() == [(1, 4, MissingState.UNANSWERED, 3)]
        device.pass_by(1_000 * INTERVAL)
        device.sends(20)
        device.pass_by(GRACE)
        assert device.is_asked() == ((9, 19),)

    def test_the_last_request_too_has_its_time_to_be_answered(self) -> None:
        device = device_with_gaps()
        device.pass_by(GRACE)
        for attempt in range(POLICY.attempts):
            assert device.is_asked()
            device.pass_by(INTERVAL - 1)
            assert device.is_asked() == ()
            assert device.states() == [(1, 4, MissingState.ASKED, attempt + 1)]
            device.sends(6 + attempt)
        assert device.is_asked() == ()
        assert device.states() == [(1, 4, MissingState.UNANSWERED, 3)]

    def test_when_nothing_is_left_to_ask_it_is_looked_at_seldom(self) -> None:
        device = device_with_gaps(numbers=(0, 1))
        assert device.plan() == Plan(None, (), device.now + 3_600 * SECOND)


class TestWhat:
    def test_what_has_come_is_not_asked_for_again_and_forgotten(self) -> None:
        device = device_with_gaps(numbers=(0, 9))
        device.pass_by(GRACE)
        device.is_asked()
        device.sends(4, 5)
        device.pass_by(INTERVAL)
        assert device.is_asked() == ((1, 3), (6, 8))
        device.sends(1, 2, 3, 6, 7, 8)
        assert device.plan().asked == ()

    def test_one_request_asks_for_no_more_than_one_answer_can_hold(self) -> None:
        device = device_with_gaps(numbers=(0, 2_501))
        device.pass_by(GRACE)
        asked = []
        for _ in range(3):
            asked.append(device.is_asked())
            device.pass_by(INTERVAL)
            device.sends(2_501)
        # What room is left is for what was asked for before.
        assert asked == [((1, 1_000),), ((1_001, 2_000),), ((1, 500), (2_001, 2_500))]
        assert device.states() == [(1, 500, "asked", 2), (501, 2_500, "asked", 1)]

    def test_one_request_names_no_more_ranges_than_a_device_can_hold(self) -> None:
        device = device_with_gaps(numbers=range(0, 300, 2))
        device.pass_by(GRACE)
        asked = device.is_asked()
        assert len(asked) == MAXIMUM_RANGES
        assert asked[0] == (1, 1)

    def test_one_request_is_about_one_boot_and_boots_take_turns(self) -> None:
        device = Device()
        device.sends(0, 3)
        device.sends(2, boot_id="b")
        device.pass_by(GRACE)
        boots = []
        for number in range(4):
            request = device.plan().request
            assert request is not None
            boots.append(request.boot_id)
            device.pass_by(INTERVAL)
            device.sends(3 + number, boot_id="b")
        assert boots == ["a", "b", "a", "b"]

    def test_a_gap_without_end_is_remembered_in_few_words(self) -> None:
        device = device_with_gaps(numbers=(0, 2**53 - 2))
        device.pass_by(GRACE)
        for number in range(300):
            assert device.is_asked()
            device.pass_by(INTERVAL)
            device.sends(number % 2 * (2**53 - 2))
        assert len(device.asked) == 1


numbers = st.sets(st.integers(0, 400), min_size=1, max_size=60)


@given(numbers, numbers, st.integers(0, 4))
@settings(max_examples=30, deadline=None)
def test_everything_that_a_device_still_has_comes_back_and_the_rest_is_asked_for_as_often_as_allowed(
    came: set[int], kept: set[int], answers_lost: int
) -> None:
    device = Device()
    device.sends(*sorted(came))
    lowest, highest = min(came), max(came)
    requests: dict[int, int] = {}
    for round_number in range(100):
        device.pass_by(INTERVAL)
        device.sends(highest)
        request = device.plan().request
        if request is None:
            continue
        asked = [number for first, last in request.ranges for number in range(first, last + 1)]
        assert len(asked) <= MAXIMUM_NUMBERS
        for number in asked:
            requests[number] = requests.get(number, 0) + 1
        if round_number % 5 >= answers_lost:
            device.sends(*sorted(kept.intersection(asked)))
    assert all(count <= POLICY.attempts for count in requests.values())
    left = {number for first, last, *_ in device.states() for number in range(first, last + 1)}
    ever_missing = set(range(lowest, highest)) - came
    assert set(requests) == ever_missing
    assert left >= ever_missing - kept
    if not answers_lost:
        assert left == ever_missing - kept
    assert all(state == MissingState.UNANSWERED for *_, state, _ in device.states())
