"""What is killed when."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.prove.schedule import LONGEST_DOWN_SECONDS, SHORTEST_DOWN_SECONDS, Target, kill_schedule

SEEDS = st.integers(min_value=0)
CYCLES = st.integers(min_value=len(Target), max_value=30)


@given(seed=SEEDS, cycles=CYCLES)
def test_every_target_comes_first_about_equally_often(seed: int, cycles: int) -> None:
    counts = Counter(cycle.targets[0] for cycle in kill_schedule(seed=seed, cycles=cycles))
    assert counts.keys() == set(Target)
    assert counts.total() == cycles
    assert max(counts.values()) - min(counts.values()) <= 1


@given(seed=SEEDS, cycles=CYCLES)
def test_the_same_seed_gives_the_same_schedule(seed: int, cycles: int) -> None:
    assert kill_schedule(seed=seed, cycles=cycles) == kill_schedule(seed=seed, cycles=cycles)


def test_another_seed_gives_another_order() -> None:
    orders = {tuple(cycle.targets for cycle in kill_schedule(seed=seed, cycles=10)) for seed in range(10)}
    assert len(orders) > 1


@given(seed=SEEDS)
def test_ten_cycles_kill_each_target_alone_and_with_another(seed: int) -> None:
    cycles = kill_schedule(seed=seed, cycles=10)
    assert {cycle.targets for cycle in cycles[:5]} == {(target,) for target in Target}
    assert {cycle.targets[0] for cycle in cycles[5:]} == set(Target)
    assert all(len(cycle.targets) == 2 for cycle in cycles[5:])


@given(seed=SEEDS)
def test_two_that_go_away_together_are_not_the_same(seed: int) -> None:
    for cycle in kill_schedule(seed=seed, cycles=10):
        assert len(set(cycle.targets)) == len(cycle.targets)


@given(seed=SEEDS)
def test_nothing_stays_away_for_longer_than_said(seed: int) -> None:
    for cycle in kill_schedule(seed=seed, cycles=10):
        assert SHORTEST_DOWN_SECONDS <= cycle.down_seconds <= LONGEST_DOWN_SECONDS
        assert cycle.up_seconds > 0


def test_too_few_cycles_to_kill_everything_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot kill each"):
        kill_schedule(seed=0, cycles=len(Target) - 1)
