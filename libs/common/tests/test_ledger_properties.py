"""The ledger against sets of numbers that say the same without being compact, over all orders of events."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_common.schemas.ledger import (
    BOOTS_KEPT,
    GAPS_KEPT,
    REFUSED_KEPT,
    BootLedger,
    DeviceLedger,
    decode_ledger,
    encode_ledger,
)
from microgrid_common.transforms.ledger.news import Fate, News
from microgrid_common.transforms.ledger.transitions import updated

Event = tuple[Fate, str, int]

NUMBERS = GAPS_KEPT + 200
"""So many, each after a gap, are more than are kept in detail."""

boots = st.sampled_from(["a", "b", "c"])
numbers = st.integers(0, 40)
deliveries = st.lists(
    st.tuples(st.sampled_from([Fate.ACCEPTED, Fate.REFUSED]), boots, numbers), min_size=1, max_size=80
)
events = st.lists(st.tuples(st.sampled_from(Fate), boots, numbers), min_size=1, max_size=80)


class Account(NamedTuple):
    """What can be said of a device, one number at a time."""

    received: frozenset[tuple[str, int]]
    quarantined: frozenset[tuple[str, int]]
    missing: frozenset[tuple[str, int]]
    duplicates: int


def expected(sequence: Sequence[Event]) -> Account:
    """The same account, kept in sets."""
    first_ever = sequence[0][1]
    received: set[tuple[str, int]] = set()
    quarantined: set[tuple[str, int]] = set()
    duplicates = 0
    for fate, boot_id, seq in sequence:
        number = (boot_id, seq)
        if fate is Fate.ACCEPTED:
            duplicates += number in received
            received.add(number)
            quarantined.discard(number)
        elif fate is Fate.TAKEN_BACK or number not in received:
            received.discard(number)
            quarantined.add(number)
    seen: dict[str, list[int]] = {}
    for boot_id, seq in received | quarantined:
        seen.setdefault(boot_id, []).append(seq)
    should_have_come = {
        (boot_id, seq)
        for boot_id, seqs in seen.items()
        for seq in range(min(seqs) if boot_id == first_ever else 0, max(seqs) + 1)
    }
    missing = should_have_come - received - quarantined
    return Account(frozenset(received), frozenset(quarantined), frozenset(missing), duplicates)


def enter(sequence: Sequence[Event], entries: Sequence[int] = ()) -> DeviceLedger:
    """Enter events, several at a time: how many, `entries` says again and again."""
    ledger: DeviceLedger | None = None
    rest = list(sequence)
    sizes = list(entries) or [1]
    while rest:
        size = sizes[0]
        sizes = [*sizes[1:], size]
        news = News()
        for fate, boot_id, seq in rest[:size]:
            news.note(fate, boot_id, seq, seq)
        ledger = updated(ledger, news, now=len(rest))
        rest = rest[size:]
    assert ledger is not None
    return ledger


def account_of(ledger: DeviceLedger) -> Account:
    received: set[tuple[str, int]] = set()
    quarantined: set[tuple[str, int]] = set()
    missing: set[tuple[str, int]] = set()
    for boot in ledger.boots:
        known = {(boot.boot_id, seq) for seq in range(boot.first or 0, boot.last + 1)}
        gone = {(boot.boot_id, seq) for gap in boot.gaps for seq in range(gap.first, gap.last + 1)}
        refused = {(boot.boot_id, seq) for span in boot.refused for seq in range(span.first, span.last + 1)}
        assert gone | refused <= known
        received |= known - gone - refused
        quarantined |= refused
        missing |= gone
    return Account(frozenset(received), frozenset(quarantined), frozenset(missing), ledger.duplicates)


@given(events, st.lists(st.integers(1, 9), max_size=4))
def test_it_says_what_sets_of_numbers_would_say_however_the_entries_are_cut(
    sequence: list[Event], entries: list[int]
) -> None:
    ledger = enter(sequence, entries)
    assert account_of(ledger) == expected(sequence)
    totals = expected(sequence)
    assert ledger.missing == sum(boot.missing for boot in ledger.boots)
    assert (ledger.received, ledger.quarantined, ledger.missing, ledger.duplicates) == (
        len(totals.received),
        len(totals.quarantined),
        len(totals.missing),
        totals.duplicates,
    )


@given(st.data())
def test_deliveries_in_any_order_give_the_same_account(data: st.DataObject) -> None:
    sequence = data.draw(deliveries)
    # Which boot is the first ever is a matter of order, and so stays the first.
    first_boot = sequence[0][1]
    shuffled = data.draw(st.permutations(sequence))
    start = next(place for place, event in enumerate(shuffled) if event[1] == first_boot)
    shuffled = [shuffled[start], *shuffled[:start], *shuffled[start + 1 :]]
    assert account_of(enter(shuffled)) == account_of(enter(sequence))


@given(st.permutations(range(30)), st.lists(st.integers(0, 29), max_size=20))
def test_every_duplicate_is_counted_once_and_what_is_complete_is_one_range(
    order: list[int], again: list[int]
) -> None:
    ledger = enter([(Fate.ACCEPTED, "a", seq) for seq in [*order, *again]])
    assert ledger.duplicates == sum(Counter(again).values())
    assert ledger.boots == (BootLedger("a", first_ever=True, first=0, last=29),)


@given(
    st.lists(
        st.tuples(st.sampled_from(Fate), st.integers(0, 60).map(str), st.integers(0, 2**53 - 1)), max_size=400
    )
)
@settings(deadline=None, max_examples=10)
def test_it_stays_small_whatever_comes(sequence: list[Event]) -> None:
    fragments = [
        (Fate.REFUSED if number % 3 else Fate.ACCEPTED, boot_id, 2 * number)
        for boot_id in "xyz"
        for number in range(GAPS_KEPT)
    ]
    ledger = enter([*sequence, *fragments], [500])
    assert len(ledger.boots) <= BOOTS_KEPT
    assert sum(len(boot.gaps) for boot in ledger.boots) == GAPS_KEPT
    assert len(encode_ledger(ledger)) < 50_000


@given(
    st.lists(st.tuples(st.sampled_from(Fate), st.just("a"), st.integers(0, 2 * NUMBERS - 2)), max_size=200)
)
@settings(deadline=None, max_examples=10)
def test_when_details_go_the_counts_stay(more: list[Event]) -> None:
    odd = [(Fate.REFUSED if number % 3 else Fate.ACCEPTED, "a", 2 * number) for number in range(NUMBERS)]
    ledger, all_told = enter([*odd, *more], [500]), expected([*odd, *more])
    assert len(ledger.boots[0].gaps) <= GAPS_KEPT
    assert len(ledger.boots[0].refused) <= REFUSED_KEPT
    assert ledger.received + ledger.quarantined + ledger.missing == sum(map(len, all_told[:3]))
    # What comes for a number without details cannot be told from a duplicate.
    assert len(all_told.missing) <= ledger.missing <= len(expected(odd).missing)
    assert 0 <= ledger.received <= len(all_told.received) + len(more)


@given(events)
def test_it_comes_back_from_json_as_it_went(sequence: list[Event]) -> None:
    ledger = enter(sequence)
    assert decode_ledger(encode_ledger(ledger)) == ledger
