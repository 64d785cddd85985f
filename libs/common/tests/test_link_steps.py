"""The link of a device: what its messages, its births and its last wills say, in whatever order they come."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_common.schemas.device import Device
from microgrid_common.schemas.device_link import DeviceLink, LinkChange
from microgrid_common.schemas.presence import DevicePresence
from microgrid_common.schemas.status import DeviceStatus, PresenceStatus
from microgrid_common.transforms.link_rules import LinkRules, LinkWatch, learned_interval
from microgrid_common.transforms.link_steps import Sighting, Step, heard, said, silent

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
RULES = LinkRules()


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def report(
    status: PresenceStatus,
    seconds: float,
    boot: str | None,
    connection: int | None,
    *,
    retained: bool = False,
) -> DevicePresence:
    return DevicePresence(
        grid_id="village-1",
        device_id="meter-1",
        received_at=at(seconds),
        status=DeviceStatus(status=status, boot_id=boot, connection=connection),
        retained=retained,
    )


def birth(
    seconds: float, boot: str | None = "a", connection: int | None = 1, *, retained: bool = False
) -> DevicePresence:
    return report(PresenceStatus.ONLINE, seconds, boot, connection, retained=retained)


def will(seconds: float, boot: str | None = "a", connection: int | None = 1) -> DevicePresence:
    return report(PresenceStatus.OFFLINE, seconds, boot, connection)


def data(seconds: float, *metrics: str) -> Sighting:
    return Sighting("village-1", "meter-1", at(seconds), frozenset(metrics))


def watch(*, expected: float | None = None, registered: bool = False, listening: float = -1_000) -> LinkWatch:
    device = Device(grid_id="village-1", device_id="meter-1", expected_interval_seconds=expected)
    return LinkWatch(
        rules=RULES,
        device=device if registered or expected else None,
        listening_since=at(listening),
    )


def after(*happened: DevicePresence | Sighting) -> tuple[DeviceLink, list[LinkChange]]:
    """What becomes of an unknown device, and what is told on the way."""
    link: DeviceLink | None = None
    told: list[LinkChange] = []
    for each in happened:
        step = said(link, each) if isinstance(each, DevicePresence) else heard(link, each, RULES)
        link = step.link
        told.extend(event.change for event in step.events)
    assert link is not None
    return link, told


def changes(step: Step) -> list[LinkChange]:
    return [event.change for event in step.events]


def test_an_unknown_device_is_connected_by_its_first_message() -> None:
    link, told = after(data(0, "humidity_percent", "ac_voltage_v"))
    assert (link.connected, link.since, link.last_seen) == (True, at(0), at(0))
    assert link.metrics == ("ac_voltage_v", "humidity_percent")
    assert told == [LinkChange.CONNECTED]


def test_a_birth_connects_and_its_own_will_disconnects() -> None:
    link, told = after(birth(0), data(1), will(30))
    assert (link.connected, link.since, link.last_seen) == (False, at(30), at(1))
    assert told == [LinkChange.CONNECTED, LinkChange.DISCONNECTED]


@pytest.mark.parametrize("late", [will(31, "a", 1), will(31, "z", 7)])
def test_a_will_that_overtakes_a_rebirth_leaves_the_living_device_alone(late: DevicePresence) -> None:
    link, told = after(birth(0, "a", 1), birth(30, "a", 2), late)
    assert link.connected
    assert told == [LinkChange.CONNECTED]
    assert silent(link, at(60), watch()).link == link


def test_a_will_of_the_boot_before_leaves_the_rebooted_device_alone() -> None:
    link, _ = after(birth(0, "a", 3), birth(20, "b", 1), will(40, "a", 3))
    assert (link.connected, link.boot_id) == (True, "b")


def test_a_will_without_numbers_is_believed_when_the_device_stays_silent() -> None:
    link, told = after(birth(0, None, None), data(5), will(10, None, None))
    assert (link.connected, link.doubted_at) == (True, at(10))
    assert told == [LinkChange.CONNECTED]
    assert changes(silent(link, at(14), watch(expected=5))) == []
    step = silent(link, at(18), watch(expected=5))
    assert changes(step)[0] is LinkChange.DISCONNECTED
    assert step.link
    assert (step.link.connected, step.link.since) == (False, at(10))


@pytest.mark.parametrize("alive", [data(12), birth(12, None, None)])
def test_a_will_without_numbers_is_forgotten_when_the_device_is_heard(
    alive: DevicePresence | Sighting,
) -> None:
    link, told = after(birth(0, None, None), will(10, None, None), alive)
    assert (link.connected, link.doubted_at) == (True, None)
    assert told == [LinkChange.CONNECTED]


def test_messages_still_under_way_do_not_revive_a_device() -> None:
    link, _ = after(birth(0), will(30), data(30.2), data(34.9))
    assert not link.connected


def test_a_device_that_goes_on_sending_is_connected_though_its_birth_was_lost() -> None:
    link, told = after(birth(0), will(30), data(36))
    assert (link.connected, link.since) == (True, at(36))
    assert told[-1] is LinkChange.CONNECTED
    # The same will once more, as a broker may send it, is not another one.
    assert after(birth(0), will(30), data(36), will(37))[0].connected


def test_what_the_broker_kept_says_whether_but_not_when_a_device_was_heard() -> None:
    link, _ = after(birth(0, retained=True))
    assert (link.connected, link.last_seen) == (True, None)
    known, told = after(data(0), birth(10, retained=True))
    assert (known.boot_id, known.connection, known.last_seen) == ("a", 1, at(0))
    assert told == [LinkChange.CONNECTED]


def test_a_retained_birth_does_not_end_the_silence() -> None:
    link, _ = after(data(0))
    stale = silent(link, at(1_000), watch()).link
    assert stale
    assert stale.stale
    revived = said(stale, birth(1_001, retained=True)).link
    assert revived
    assert revived.stale


def test_a_device_is_stale_after_three_of_its_intervals_and_fresh_with_its_next_message() -> None:
    link, _ = after(data(0))
    assert changes(silent(link, at(29.9), watch(expected=10))) == []
    step = silent(link, at(30), watch(expected=10))
    assert changes(step) == [LinkChange.STALE]
    assert step.link
    assert step.link.connected
    assert changes(silent(step.link, at(60), watch(expected=10))) == []
    fresh = heard(step.link, data(61), RULES)
    assert changes(fresh) == [LinkChange.FRESH]
    assert fresh.events[0].last_seen == at(61)


def test_silence_while_the_platform_was_away_says_nothing() -> None:
    link, _ = after(data(0))
    assert changes(silent(link, at(500), watch(expected=10, listening=490))) == []
    assert changes(silent(link, at(520), watch(expected=10, listening=490))) == [LinkChange.STALE]


def test_without_a_registered_interval_it_is_learned() -> None:
    link, _ = after(*(data(10 * number) for number in range(60)))
    assert link.learned_interval_seconds == pytest.approx(10, rel=0.02)
    assert changes(silent(link, at(590 + 29), watch())) == []
    assert changes(silent(link, at(590 + 32), watch())) == [LinkChange.STALE]


def test_a_long_outage_teaches_little_and_a_slower_rhythm_is_learned() -> None:
    assert learned_interval(10, 86_400) == 20
    seconds = 10.0
    for _ in range(10):
        seconds = learned_interval(seconds, 600)
    assert seconds == 600


def test_an_unregistered_device_is_forgotten_in_the_end_and_a_registered_one_never() -> None:
    link, _ = after(data(0))
    month = 30 * 86_400
    assert silent(link, at(month), watch()) == Step(None)
    assert silent(link, at(month), watch(registered=True)).link


@given(quiet=st.floats(0, 40 * 86_400), stale=st.booleans(), doubted=st.booleans(), registered=st.booleans())
def test_nothing_changes_before_the_time_to_look_again_and_something_does_then(
    *, quiet: float, stale: bool, doubted: bool, registered: bool
) -> None:
    link, _ = after(data(0))
    link = link.model_copy(update={"stale": stale, "doubted_at": at(0) if doubted else None})
    judged = watch(registered=registered)
    due = judged.look_again_at(link)
    step = silent(link, at(quiet), judged)
    if due is None or at(quiet) < due:
        assert step == Step(link)
    else:
        assert step.link != link


class Connection(NamedTuple):
    """One connection of a device, as it was in truth."""

    boot: str
    number: int
    born: float
    over: float | None
    """When its will arrived; None while it lasts."""


@st.composite
def lives(draw: st.DrawFn) -> list[Connection]:
    """A device's connections, one after the other; a will may come long after the next birth."""
    connections: list[Connection] = []
    boot, number, time = 0, 0, 0.0
    for _ in range(draw(st.integers(1, 5))):
        if draw(st.booleans()):
            boot, number = boot + 1, 0
        number += 1
        time += draw(st.floats(0.1, 50))
        connections.append(Connection(f"boot-{boot}", number, time, time + draw(st.floats(0.1, 90))))
    if draw(st.booleans()):
        connections[-1] = connections[-1]._replace(over=None)
    return connections


def messages_of(life: Sequence[Connection]) -> list[DevicePresence | Sighting]:
    messages: list[DevicePresence | Sighting] = []
    for index, connection in enumerate(life):
        messages.append(birth(connection.born, connection.boot, connection.number))
        last = life[index + 1].born if index + 1 < len(life) else (connection.over or connection.born + 1)
        messages.append(data((connection.born + min(last, connection.over or last)) / 2))
        if connection.over is not None:
            messages.append(will(connection.over, connection.boot, connection.number))
    return messages


@given(life=lives(), shuffle=st.randoms(use_true_random=False), repeat=st.booleans())
@settings(max_examples=300)
def test_births_and_wills_give_the_truth_in_any_order_and_however_often_they_come(
    life: list[Connection], shuffle: Random, *, repeat: bool
) -> None:
    messages = messages_of(life)
    if repeat:
        messages *= 2
    shuffle.shuffle(messages)
    link, _ = after(*messages)
    far = silent(link, at(100_000), watch(registered=True)).link
    assert far
    assert far.connected == (life[-1].over is None)
    assert far.last_seen
    assert far.last_seen >= max(message.at for message in messages if isinstance(message, Sighting))
