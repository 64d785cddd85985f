"""The checks of the live part find what is broken, and nothing else."""

from dataclasses import replace

import pytest
from tests.prove.live_checks import (
    LIVE_PROMISES,
    ClientEvidence,
    Heard,
    LiveEvidence,
    Told,
    live_violations,
)

HISTORY = (
    Told("a", "raised", concerns_clients=True),
    Told("x", "raised", concerns_clients=False),
    Told("b", "raised", concerns_clients=True),
    Told("a", "cleared", concerns_clients=True),
)
SNAPSHOT = Heard("snapshot", 0)
A_RAISED = Heard("alert", 1, "a", "raised")
B_RAISED = Heard("alert", 3, "b", "raised")
A_CLEARED = Heard("alert", 4, "a", "cleared")
RESUMED = Heard("resumed", 1)
CLIENT = ClientEvidence(
    name="client-1",
    heard=(SNAPSHOT, A_RAISED, RESUMED, B_RAISED, A_CLEARED),
    cuts=1,
    slept=False,
    alerts=frozenset({"b"}),
    readings={"consumption_kw": 3.0},
)
GOOD = LiveEvidence(
    history=HISTORY, clients=[CLIENT], alerts=frozenset({"b"}), readings={"consumption_kw": 3.0}
)
ORDER, NEEDLESS_GAP, SLEEPER, STATE, CRASH = LIVE_PROMISES


def broken_by(*heard: Heard, slept: bool = False) -> set[str]:
    client = replace(CLIENT, heard=heard, slept=slept)
    return {violation.promise for violation in live_violations(replace(GOOD, clients=[client]))}


def test_a_good_run_breaks_nothing() -> None:
    assert live_violations(GOOD) == []


@pytest.mark.parametrize(
    "heard",
    [
        (SNAPSHOT, A_RAISED, A_CLEARED),
        (SNAPSHOT, A_RAISED, A_RAISED, B_RAISED, A_CLEARED),
        (SNAPSHOT, A_RAISED, B_RAISED),
        (SNAPSHOT, B_RAISED, A_RAISED, A_CLEARED),
        (SNAPSHOT, A_RAISED, B_RAISED._replace(number=2), A_CLEARED),
        (SNAPSHOT, A_RAISED, B_RAISED, A_CLEARED, A_CLEARED),
        (),
    ],
)
def test_a_hole_a_double_and_a_wrong_order_are_found(heard: tuple[Heard, ...]) -> None:
    assert broken_by(*heard) == {ORDER}


def test_after_a_gap_it_goes_on_from_the_snapshot() -> None:
    gap = Heard("gap", None, dropped=3)
    assert broken_by(SNAPSHOT, A_RAISED, gap, Heard("snapshot", 3), A_CLEARED, slept=True) == set()
    assert broken_by(SNAPSHOT, A_RAISED, gap, Heard("snapshot", 4)) == set()


def test_a_gap_without_a_loss_is_found() -> None:
    gap = Heard("gap", None, dropped=1)
    assert broken_by(SNAPSHOT, A_RAISED, gap, Heard("snapshot", 4)) == {NEEDLESS_GAP}


def test_a_sleeper_that_is_told_nothing_is_found() -> None:
    assert broken_by(*CLIENT.heard, slept=True) == {SLEEPER}


def test_a_client_that_ends_with_something_else_than_the_server_is_found() -> None:
    for other in (
        replace(CLIENT, alerts=frozenset({"a", "b"})),
        replace(CLIENT, alerts=frozenset()),
        replace(CLIENT, readings={"consumption_kw": 2.0}),
    ):
        broken = live_violations(replace(GOOD, clients=[CLIENT, other]))
        assert [violation.promise for violation in broken] == [STATE]


def test_a_crash_is_found() -> None:
    broken = live_violations(replace(GOOD, crashed=["at port 8000"]))
    assert [violation.promise for violation in broken] == [CRASH]
