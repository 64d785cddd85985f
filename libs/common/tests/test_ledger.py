"""The ledger of one device: what it says after a few messages."""

import json

import pytest

from microgrid_common.schemas.ledger import (
    BOOTS_KEPT,
    CLOSED_NAMES_KEPT,
    GAPS_KEPT,
    REFUSED_KEPT,
    BootLedger,
    DeviceLedger,
    Gap,
    Span,
)
from microgrid_common.schemas.streams import (
    NOTICE_KIND,
    PRESENCE_KIND,
    READINGS_KIND,
    REFUSALS_KIND,
)
from microgrid_common.transforms.ledger.news import Announcement, Fate, News, NewsOfDevices, Run, gather
from microgrid_common.transforms.ledger.transitions import updated

NOW = 1_000
KEY = ("village-1", "meter-1")


def entered(*events: Run | Announcement, ledger: DeviceLedger | None = None, now: int = NOW) -> DeviceLedger:
    for event in events:
        ledger = updated(ledger, News(events=[event]), now=now)
    assert ledger is not None
    return ledger


def came(first: int, last: int | None = None, *, boot_id: str = "a") -> Run:
    return Run(Fate.ACCEPTED, boot_id, first, first if last is None else last)


def refused(first: int, last: int | None = None, *, boot_id: str = "a") -> Run:
    return Run(Fate.REFUSED, boot_id, first, first if last is None else last)


def taken_back(first: int, last: int | None = None) -> Run:
    return Run(Fate.TAKEN_BACK, "a", first, first if last is None else last)


def said(**ends: int) -> Announcement:
    return Announcement(tuple(ends.items()))


def missing(ledger: DeviceLedger, boot_id: str = "a") -> list[tuple[int, int]]:
    (boot,) = [boot for boot in ledger.boots if boot.boot_id == boot_id]
    return [(gap.first, gap.last) for gap in boot.gaps]


class TestGaps:
    def test_numbers_in_a_row_leave_none(self) -> None:
        ledger = entered(came(0), came(1), came(2, 99))
        assert ledger.boots == (BootLedger("a", first_ever=True, first=0, last=99),)
        assert (ledger.received, ledger.missing) == (100, 0)

    def test_what_was_jumped_over_is_missing_since_then(self) -> None:
        ledger = entered(came(4), ledger=entered(came(0)), now=5_000)
        assert ledger.boots[0].gaps == (Gap(1, 3, 5_000),)

    def test_what_comes_late_is_missing_no_more_and_the_rest_for_as_long_as_before(self) -> None:
        ledger = entered(came(5), ledger=entered(came(0), came(9), now=1), now=2)
        assert ledger.boots[0].gaps == (Gap(1, 4, 1), Gap(6, 8, 1))

    def test_a_device_is_not_held_to_account_for_the_time_before_it_was_known(self) -> None:
        assert missing(entered(came(1_000), came(1_001))) == []

    def test_but_a_boot_that_follows_begins_at_zero(self) -> None:
        assert missing(entered(came(1_000), came(3, boot_id="b")), "b") == [(0, 2)]

    def test_lower_numbers_of_the_first_boot_move_its_beginning(self) -> None:
        ledger = entered(came(1_000), came(900))
        assert missing(ledger) == [(901, 999)]
        assert ledger.boots[0].first == 900


class TestDuplicates:
    def test_what_came_before_is_a_duplicate_and_changes_nothing_else(self) -> None:
        ledger = entered(came(0, 9), came(3, 5))
        assert (ledger.duplicates, ledger.received, missing(ledger)) == (3, 10, [])

    def test_of_a_range_that_came_in_part_only_that_part_is_a_duplicate(self) -> None:
        ledger = entered(came(0, 4), came(10), came(3, 12))
        assert (ledger.duplicates, ledger.received, missing(ledger)) == (3, 13, [])


class TestQuarantine:
    def test_a_refused_number_is_not_missing(self) -> None:
        ledger = entered(came(0), refused(1), came(2))
        assert (ledger.received, ledger.quarantined, ledger.missing) == (2, 1, 0)
        assert ledger.boots[0].refused == (Span(1, 1),)

    def test_once_it_is_accepted_it_is_in_quarantine_no_more(self) -> None:
        ledger = entered(came(0), refused(1, 3), came(2))
        assert (ledger.received, ledger.quarantined, ledger.duplicates) == (2, 2, 0)
        assert ledger.boots[0].refused == (Span(1, 1), Span(3, 3))

    def test_a_bad_copy_of_what_was_accepted_changes_nothing(self) -> None:
        before = entered(came(0, 5))
        assert entered(refused(3), ledger=before) == before

    def test_a_refused_number_that_is_refused_again_is_still_one(self) -> None:
        assert entered(came(0), refused(1), refused(1)).quarantined == 1

    def test_what_the_store_refused_after_it_was_accepted_is_in_quarantine(self) -> None:
        ledger = entered(came(0, 9), taken_back(3, 4), taken_back(4))
        assert (ledger.received, ledger.quarantined, ledger.duplicates) == (8, 2, 0)

    def test_a_replay_of_what_the_store_refused_is_no_duplicate(self) -> None:
        ledger = entered(came(0, 9), taken_back(3), came(3))
        assert (ledger.received, ledger.quarantined, ledger.duplicates) == (10, 0, 0)


class TestAnnouncements:
    def test_a_lost_tail_is_noticed(self) -> None:
        ledger = entered(came(0, 9), said(a=14))
        assert (missing(ledger), ledger.missing) == ([(10, 14)], 5)
        assert missing(entered(came(15), came(10, 14), ledger=ledger)) == []

    def test_what_the_ledger_knows_better_is_left_alone(self) -> None:
        assert entered(came(0, 9), said(a=5)) == entered(came(0, 9))

    def test_a_new_boot_is_accounted_for_from_its_beginning(self) -> None:
        assert missing(entered(came(7), said(b=4)), "b") == [(0, 4)]

    def test_of_a_device_that_is_new_nothing_is_missing(self) -> None:
        ledger = entered(said(older=8_640, a=50))
        assert (ledger.missing, [boot.boot_id for boot in ledger.boots]) == (0, ["a"])
        assert missing(entered(came(45), ledger=ledger)) == [(46, 50)]
        assert missing(entered(came(60), ledger=ledger)) == []

    def test_a_whole_boot_that_was_lost_is_noticed(self) -> None:
        ledger = entered(came(0, 9), said(a=11, b=5, c=0))
        assert [missing(ledger, boot_id) for boot_id in "abc"] == [[(10, 11)], [(0, 5)], [(0, 0)]]

    def test_boots_before_the_first_known_one_are_of_the_time_before(self) -> None:
        ledger = entered(came(0, 9), said(ancient=8_640, a=9, b=-1))
        assert [boot.boot_id for boot in ledger.boots] == ["a", "b"]
        assert ledger.missing == 0

    def test_as_many_boots_as_a_status_may_name_leave_the_present_one_in_detail(self) -> None:
        ledger = entered(*(came(0, boot_id=f"old-{number}") for number in range(BOOTS_KEPT)), came(0, 9))
        earlier = {f"new_{number}": 1 for number in range(BOOTS_KEPT - 1)}
        ledger = entered(said(**earlier, a=9), ledger=ledger)
        assert (ledger.boots[-1].boot_id, missing(ledger)) == ("a", [])


class TestLimits:
    def test_of_too_many_gaps_the_lowest_are_only_counted(self) -> None:
        ledger = entered(*(came(2 * number) for number in range(GAPS_KEPT + 11)))
        assert len(ledger.boots[0].gaps) == GAPS_KEPT
        assert ledger.boots[0].gaps[0][:2] == (21, 21)
        assert (ledger.boots[0].forgotten, ledger.missing) == (10, GAPS_KEPT + 10)
        assert ledger.boots[0].detailed_from == 20

    def test_of_too_many_quarantined_ranges_the_lowest_are_only_counted(self) -> None:
        every_other = [
            event
            for number in range(0, 2 * REFUSED_KEPT + 10, 2)
            for event in (came(number), refused(number + 1))
        ]
        ledger = entered(*every_other)
        assert len(ledger.boots[0].refused) == REFUSED_KEPT
        assert (ledger.quarantined, ledger.missing) == (REFUSED_KEPT + 5, 0)
        assert ledger.boots[0].detailed_from == 10

    def test_the_details_of_the_oldest_boot_go_first(self) -> None:
        numbers = range(0, 2 * GAPS_KEPT, 2)
        ledger = entered(*(came(number, boot_id=boot_id) for boot_id in "ab" for number in numbers))
        assert [len(boot.gaps) for boot in ledger.boots] == [1, GAPS_KEPT - 1]
        assert [boot.forgotten for boot in ledger.boots] == [GAPS_KEPT - 2, 0]
        assert ledger.missing == 2 * GAPS_KEPT - 2

    def test_of_too_many_boots_the_one_heard_from_longest_ago_is_closed(self) -> None:
        ledger = entered(came(0, boot_id="first"), refused(1, boot_id="first"), came(4, boot_id="first"))
        ledger = entered(*(came(0, boot_id=f"b{number}") for number in range(BOOTS_KEPT - 1)), ledger=ledger)
        assert "first" in {boot.boot_id for boot in ledger.boots}
        ledger = entered(came(1, boot_id="b0"), came(0, boot_id="one-more"), ledger=ledger)
        assert "first" not in {boot.boot_id for boot in ledger.boots}
        assert len(ledger.boots) == BOOTS_KEPT
        assert (ledger.received, ledger.quarantined, ledger.missing) == (2 + BOOTS_KEPT + 1, 1, 2)

    def test_a_late_number_of_a_closed_boot_opens_nothing(self) -> None:
        ledger = entered(*(came(0, boot_id=f"b{number}") for number in range(BOOTS_KEPT + 1)))
        late = entered(came(5_000, boot_id="b0"), refused(5_001, boot_id="b0"), said(b0=9_000), ledger=ledger)
        assert late.boots == ledger.boots
        assert (late.closed.received, late.closed.quarantined, late.missing) == (2, 1, 0)

    def test_a_device_that_restarts_for_ever_stays_small(self) -> None:
        ledger = entered(*(came(0, boot_id=f"b{number}") for number in range(1_000)))
        assert (len(ledger.boots), len(ledger.closed.names)) == (BOOTS_KEPT, CLOSED_NAMES_KEPT)
        assert (ledger.received, ledger.closed.boots) == (1_000, 1_000 - BOOTS_KEPT)


class TestGathering:
    def test_readings_of_many_devices_are_taken_apart(self) -> None:
        news = gathered(
            READINGS_KIND,
            [
                reading(boot_id="a", seq=0, device_type="meter"),
                reading("other"),
                reading(boot_id="a", seq=1),
                reading(boot_id="a", seq=3),
                reading(boot_id="a"),
                reading(seq=4),
            ],
        )
        assert news["village-1", "other"] == News(heard=True, unnumbered=1, device_type="unregistered")
        assert news[KEY].events == [came(0, 1), came(3)]
        assert (news[KEY].unnumbered, news[KEY].heard) == (2, True)

    def test_refusals_count_for_the_device_or_for_the_store(self) -> None:
        numbers = [{"boot_id": "a", "first": 3, "last": 4}]
        device = {"grid_id": "village-1", "device_id": "meter-1"}
        assert gathered(REFUSALS_KIND, [{**device, "numbers": numbers}])[KEY] == News(
            [refused(3, 4)], heard=True
        )
        assert gathered(REFUSALS_KIND, [device])[KEY] == News(unnumbered_refused=1, heard=True)
        assert gathered(REFUSALS_KIND, [{**device, "numbers": numbers, "by_store": True}])[KEY] == News(
            [taken_back(3, 4)]
        )

    def test_consecutive_numbers_of_another_fate_are_told_apart(self) -> None:
        news: NewsOfDevices = {}
        numbers = [{"boot_id": "a", "first": 2, "last": 2}]
        refusal = {"grid_id": "village-1", "device_id": "meter-1", "numbers": numbers}
        gather(READINGS_KIND, json.dumps([reading(boot_id="a", seq=1)]).encode(), news)
        gather(REFUSALS_KIND, json.dumps([refusal]).encode(), news)
        assert news[KEY].events == [came(1), refused(2)]

    def test_a_birth_message_announces_and_a_last_will_does_not_speak_for_the_device(self) -> None:
        online = presence(status="online", boot_id="b", earlier_boots=[{"boot_id": "a", "last_seq": 9}])
        assert gathered(PRESENCE_KIND, online)[KEY] == News([said(a=9, b=-1)], heard=True)
        assert gathered(PRESENCE_KIND, presence(status="online", boot_id="b"))[KEY] == News(heard=True)
        assert gathered(PRESENCE_KIND, presence(status="offline", boot_id="b"))[KEY] == News()

    def test_other_kinds_say_nothing(self) -> None:
        assert gathered(NOTICE_KIND, {}) == {}

    @pytest.mark.parametrize("kind", [READINGS_KIND, REFUSALS_KIND, PRESENCE_KIND])
    def test_what_cannot_be_decoded_leaves_the_news_as_they_were(self, kind: str) -> None:
        news: NewsOfDevices = {}
        with pytest.raises(ValueError, match=r"\w"):
            gather(kind, b'[{"grid_id":"village-1","device_id":1}]', news)
        assert news == {}


def gathered(kind: str, data: object) -> NewsOfDevices:
    news: NewsOfDevices = {}
    gather(kind, json.dumps(data).encode(), news)
    return news


def reading(device_id: str = "meter-1", **fields: object) -> dict[str, object]:
    return {"grid_id": "village-1", "device_id": device_id, "metrics": {"ac_voltage_v": 230.0}, **fields}


def presence(**status: object) -> dict[str, object]:
    return {
        "grid_id": "village-1",
        "device_id": "meter-1",
        "received_at": "2026-11-23T10:00:00Z",
        "status": {"schema": 1, **status},
    }


def test_counts_and_the_device_itself_are_kept_over_all_news() -> None:
    first = updated(None, News(unnumbered=2, device_type="meter", heard=True), now=1)
    second = updated(first, News(unnumbered=1, unnumbered_refused=1), now=2)
    assert second == DeviceLedger("meter", heard_at=1, unnumbered=3, unnumbered_refused=1)
