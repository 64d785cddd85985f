"""The promises about live clients, each as a check that returns what it found broken. Pure: no I/O."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.prove.checks import Violation


class Told(NamedTuple):
    """An entry of the alerts stream."""

    alert_id: str
    transition: str
    concerns_clients: bool
    """Whether it is of the clients' grid or of the platform."""


class Heard(NamedTuple):
    """A message of a client's that says something about alerts."""

    kind: str
    number: int | None
    """How many entries the alerts stream had had where the message's cursor stands; None without a cursor."""
    alert_id: str = ""
    transition: str = ""
    dropped: int = 0
    """Of a gap: how many entries may have been dropped from the stream by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientEvidence:
    """What one client heard, over all its connections."""

    name: str
    heard: Sequence[Heard]
    cuts: int
    slept: bool
    """Whether it was once away for longer than the stream is."""
    alerts: frozenset[str]
    """The ids of the active alerts that it believes in in the end."""
    readings: Mapping[str, float]
    """Metric → value, as it believes in the end."""

    @property
    def gaps(self) -> int:
        """How often it was told of a gap."""
        return sum(message.kind == "gap" for message in self.heard)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEvidence:
    """Everything that the checks of the live part look at."""

    history: Sequence[Told]
    """Every entry that the alerts stream ever had, in order."""
    clients: Sequence[ClientEvidence]
    alerts: frozenset[str]
    """The ids of the active alerts, as the API lists them."""
    readings: Mapping[str, float]
    """What was appended last."""
    crashed: Sequence[str] = field(default=())


Check = Callable[[LiveEvidence], Iterator[str]]


def every_transition_is_heard_once_or_a_gap_is_told(evidence: LiveEvidence) -> Iterator[str]:
    """In order, over all cuts: after each message comes the next one that concerns the client."""
    for client in evidence.clients:
        yield from _broken_order(client, evidence.history)


def a_gap_is_told_only_when_something_was_dropped(evidence: LiveEvidence) -> Iterator[str]:
    """Not to a client whose next entry is still in the stream."""
    for client in evidence.clients:
        position = 0
        for message in client.heard:
            if message.kind == "gap" and message.dropped <= position:
                yield f"{client.name} was told of a gap after entry {position}, when nothing was lost"
            position = message.number or position


def who_slept_past_the_stream_is_told_of_the_gap(evidence: LiveEvidence) -> Iterator[str]:
    """What it missed is nowhere any more, and it has to know."""
    for client in evidence.clients:
        if client.slept and not client.gaps:
            yield f"{client.name} slept past the stream's length and was told nothing"


def every_client_ends_with_the_servers_state(evidence: LiveEvidence) -> Iterator[str]:
    """The same active alerts, the newest readings."""
    for client in evidence.clients:
        if client.alerts != evidence.alerts:
            more, less = sorted(client.alerts - evidence.alerts), sorted(evidence.alerts - client.alerts)
            yield f"{client.name} shows the alerts {more} too much, and {less} too little"
        if dict(client.readings) != dict(evidence.readings):
            yield f"{client.name} shows {dict(client.readings)} instead of {dict(evidence.readings)}"


def no_api_crashes(evidence: LiveEvidence) -> Iterator[str]:
    """Not by itself."""
    yield from evidence.crashed


def _broken_order(client: ClientEvidence, history: Sequence[Told]) -> Iterator[str]:
    position = 0
    for message in client.heard:
        if message.kind == "snapshot":
            position = message.number or 0
        elif message.kind == "alert":
            expected = _next(history, position)
            heard = (message.alert_id, message.transition, message.number)
            if expected is None or heard != expected:
                yield f"{client.name} heard {heard} after entry {position}, where {expected} comes next"
            position = max(position, message.number or 0)
    if missed := _next(history, position):
        yield f"{client.name} never heard {missed}"


def _next(history: Sequence[Told], position: int) -> tuple[str, str, int] | None:
    for number in range(position, len(history)):
        told = history[number]
        if told.concerns_clients:
            return told.alert_id, told.transition, number + 1
    return None


_CHECKS: Mapping[str, Check] = {
    "live clients hear every alarm transition once and in order, or are told of a gap": (
        every_transition_is_heard_once_or_a_gap_is_told
    ),
    "a gap is told only when something was dropped": a_gap_is_told_only_when_something_was_dropped,
    "a client that slept past the stream's length is told of the gap": (
        who_slept_past_the_stream_is_told_of_the_gap
    ),
    "every live client ends with the server's state": every_client_ends_with_the_servers_state,
    "no API crashes while its clients are cut": no_api_crashes,
}

LIVE_PROMISES = tuple(_CHECKS)


def live_violations(evidence: LiveEvidence) -> list[Violation]:
    """What is broken, promise by promise."""
    return [Violation(promise, what) for promise, check in _CHECKS.items() for what in check(evidence)]
