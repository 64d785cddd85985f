"""The figures of the benchmarks, and how they get into the document that keeps them."""

import sys
from contextlib import suppress
from pathlib import Path

import pytest
from benchmarks.distribution import Sight, until_seen
from benchmarks.report import copied_into, with_block
from benchmarks.soak import Memory, growth, warm_up_seconds
from hypothesis import given
from hypothesis import strategies as st

DOCUMENT = """\
before
<!-- make bench: begin -->
```
old figures
```
<!-- make bench: end -->
between
<!-- make soak: begin -->
```
others
```
<!-- make soak: end -->
after
"""


class TestUntilSeen:
    def test_a_message_counts_from_its_own_time(self) -> None:
        sights = [Sight(1.5, 0), Sight(3.25, 1)]
        assert until_seen(sights, published=[1.0, 3.0]) == [0.5, 0.25]

    def test_one_that_was_skipped_counts_until_a_newer_one_was_seen(self) -> None:
        assert until_seen([Sight(10, 3)], published=[1, 2, 3, 9]) == [9, 8, 7, 1]

    def test_what_is_seen_again_or_late_counts_once(self) -> None:
        sights = [Sight(5, 1), Sight(6, 1), Sight(7, 0), Sight(8, 2)]
        assert until_seen(sights, published=[1, 2, 3]) == [4, 3, 5]

    def test_those_before_the_first_that_counts_are_left_out(self) -> None:
        assert until_seen([Sight(4, 0), Sight(5, 2)], published=[1, 2, 3], first=1) == [3, 2]

    def test_messages_that_were_never_seen_are_no_good_result(self) -> None:
        with pytest.raises(ValueError, match="2 of 5 messages were never seen"):
            until_seen([Sight(9, 2)], published=[1, 2, 3, 4, 5])

    def test_nor_is_seeing_nothing(self) -> None:
        with pytest.raises(ValueError, match="1 of 1"):
            until_seen([], published=[1])

    @given(st.lists(st.integers(0, 50), min_size=1), st.data())
    def test_each_message_waits_for_the_earliest_sight_of_it_or_a_newer_one(
        self, numbers: list[int], data: st.DataObject
    ) -> None:
        published = [float(number) for number in range(data.draw(st.integers(1, max(numbers) + 1)))]
        sights = [Sight(100.0 + place, number) for place, number in enumerate(numbers)]
        in_range = [sight for sight in sights if sight.number < len(published)]
        sights = [*in_range, Sight(1_000, len(published) - 1)]
        assert until_seen(sights, published) == [
            min(sight.seconds for sight in sights if sight.number >= number) - time
            for number, time in enumerate(published)
        ]


class TestBlock:
    def test_only_the_block_of_the_command_changes(self) -> None:
        assert with_block(DOCUMENT, "make bench", "new\nfigures\n") == DOCUMENT.replace(
            "old figures", "new\nfigures"
        )
        assert with_block(DOCUMENT, "make soak", "new") == DOCUMENT.replace("others", "new")

    def test_doing_it_twice_is_doing_it_once(self) -> None:
        once = with_block(DOCUMENT, "make soak", "\nfigures\n")
        assert with_block(once, "make soak", "\nfigures\n") == once

    @pytest.mark.parametrize(
        "text",
        [
            "nothing",
            DOCUMENT.replace("<!-- make bench: end -->", ""),
            DOCUMENT.replace("<!-- make bench: begin -->", ""),
            DOCUMENT + DOCUMENT,
        ],
    )
    def test_a_document_without_exactly_one_block_is_left_alone(self, text: str) -> None:
        with pytest.raises(ValueError, match="expected one block between <!-- make bench: begin -->"):
            with_block(text, "make bench", "figures")


class TestCopy:
    def test_what_is_printed_is_on_the_terminal_and_in_the_document(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        document = tmp_path / "performance.md"
        document.write_text(DOCUMENT)
        with copied_into(document, command="make bench"):
            sys.stdout.write("42 messages/s\n")
        assert capsys.readouterr().out == "42 messages/s\n"
        assert document.read_text() == DOCUMENT.replace("old figures", "42 messages/s")

    def test_a_document_without_a_block_is_said_before_anything_is_measured(self, tmp_path: Path) -> None:
        document = tmp_path / "performance.md"
        document.write_text("nothing")
        with (
            pytest.raises(ValueError, match="expected one block"),
            copied_into(document, command="make soak"),
        ):
            pytest.fail("measured")

    def test_a_benchmark_that_fails_leaves_the_old_figures(self, tmp_path: Path) -> None:
        document = tmp_path / "performance.md"
        document.write_text(DOCUMENT)
        with suppress(RuntimeError), copied_into(document, command="make bench"):
            sys.stdout.write("half a figure")
            raise RuntimeError
        assert document.read_text() == DOCUMENT


class TestSoak:
    @pytest.mark.parametrize(
        ("second_of_five_minutes", "lasts"), [(0, 600), (1, 599), (150, 450), (299, 301)]
    )
    def test_the_warm_up_lasts_until_whole_five_minutes_were_rolled_up(
        self, second_of_five_minutes: int, lasts: int
    ) -> None:
        assert warm_up_seconds(1_795_392_000 + second_of_five_minutes) == lasts + 15

    def test_growth_is_that_after_the_warm_up(self) -> None:
        memory = [Memory(second, 100 + min(second, 50)) for second in range(100)]
        assert growth(memory, after=50) == pytest.approx(0)
        assert growth(memory[:50], after=10) == pytest.approx(1)
