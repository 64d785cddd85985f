"""The promises, each as a check that returns what it found broken. Pure: no I/O."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from tests.prove.evidence import Boot, Evidence, Number, RowKey, SentSample

from microgrid_common.schemas.alert import AlertEvent, AlertTransition


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken, and by what."""

    promise: str
    what: str


Check = Callable[[Evidence], Iterator[str]]
"""Yields one text for each thing that is broken."""


class Fates:
    """What became of each sample that was sent."""

    def __init__(self, evidence: Evidence) -> None:
        stored = {row.key for row in evidence.rows}
        refused = quarantined_numbers(evidence)
        missing = {Number(entry.boot, seq) for entry in evidence.ledger for seq in entry.missing.named}
        self.stored = [sample for sample in evidence.sent if row_key(sample) in stored]
        self.quarantined = [sample for sample in evidence.sent if sample.number in refused]
        fated = {sample.number for sample in (*self.stored, *self.quarantined)}
        without = [sample for sample in evidence.sent if sample.number not in fated]
        self.missing = [sample for sample in without if sample.number in missing]
        """Named missing by the ledger."""
        self.unexplained = [sample for sample in without if sample.number not in missing]


def row_key(sample: SentSample) -> RowKey:
    """Where a sample is stored."""
    return RowKey(sample.number.boot.device, sample.timestamp)


def quarantined_numbers(evidence: Evidence) -> set[Number]:
    """The samples that are in quarantine, each once however often it was put there."""
    return {number for message in evidence.quarantined for number in message.refused}


def every_sample_has_a_fate(evidence: Evidence) -> Iterator[str]:
    """Sent = stored + quarantined + named missing."""
    for sample in Fates(evidence).unexplained:
        taken = "the broker took it" if sample.accepted else "the broker never took it"
        yield f"{sample.number}: not stored, not in quarantine, not named missing ({taken})"


def what_devices_still_have_is_not_missing(evidence: Evidence) -> Iterator[str]:
    """What was lost on the way is asked back, and arrives."""
    for sample in Fates(evidence).missing:
        if sample.kept:
            yield f"{sample.number}: missing, though the device still has it"


def only_a_killed_broker_loses(evidence: Evidence) -> Iterator[str]:
    """What the broker took is not lost by anything else, also where no device can send it again."""
    for sample in Fates(evidence).missing:
        in_outage = any(outage.start <= sample.timestamp <= outage.end for outage in evidence.broker_outages)
        if sample.accepted and not in_outage:
            yield f"{sample.number}: the broker took it, was not killed, and it is missing"


def every_bad_message_is_in_quarantine(evidence: Evidence) -> Iterator[str]:
    """What has no number, and what was stored in part only, is in quarantine."""
    junk = {message.junk for message in evidence.quarantined}
    for sent in evidence.sent_junk:
        if sent.accepted and sent.junk not in junk and not sent.lost_with_broker:
            yield f"{sent.junk}: the broker took it, and it is not in quarantine"
    carried = {number for message in evidence.quarantined for number in message.carried}
    for sample in Fates(evidence).stored:
        if sample.in_part and sample.number not in carried:
            yield f"{sample.number}: stored without a bad value that is not in quarantine"


def only_bad_messages_are_in_quarantine(evidence: Evidence) -> Iterator[str]:
    """Quarantine holds what was bad when it was sent, and nothing else."""
    samples = {sample.number: sample for sample in evidence.sent}
    for number in quarantined_numbers(evidence):
        sample = samples.get(number)
        if sample is None:
            yield f"{number}: in quarantine, and was never sent"
        elif sample.metrics is not None:
            yield f"{number}: a good sample is in quarantine"
    in_part = {sample.number for sample in evidence.sent if sample.in_part}
    sent_junk = {sent.junk for sent in evidence.sent_junk}
    for message in evidence.quarantined:
        if message.junk not in sent_junk and not message.refused and in_part.isdisjoint(message.carried):
            yield f"a message on {message.topic!r} is in quarantine for {message.reason}, and was not bad"


def the_store_holds_exactly_what_was_sent(evidence: Evidence) -> Iterator[str]:
    """One row for each good sample that was stored, with its values; no row besides."""
    expected = {row_key(sample): sample for sample in evidence.sent}
    for row in evidence.rows:
        sample = expected.get(row.key)
        if sample is None or sample.metrics is None:
            yield f"{row.key}: a row that {'nobody sent' if sample is None else 'a bad sample made'}"
        elif dict(row.metrics) != dict(sample.metrics):
            yield f"{row.key}: holds {dict(row.metrics)} instead of {dict(sample.metrics)}"


def no_row_is_doubled(evidence: Evidence) -> Iterator[str]:
    """One row for each grid, device and timestamp."""
    for key, count in Counter(row.key for row in evidence.rows).items():
        if count > 1:
            yield f"{key}: {count} rows"


def the_ledger_agrees_with_the_store(evidence: Evidence) -> Iterator[str]:
    """Received, quarantined and missing, number by number, are what is found in the stores."""
    stored = {row.key for row in evidence.rows}
    refused = quarantined_numbers(evidence)
    ledger = {entry.boot: entry for entry in evidence.ledger}
    by_boot = _by_boot(evidence.sent)
    for boot in ledger.keys() - by_boot.keys():
        yield f"{boot}: in the ledger, and never ran"
    for boot, samples in by_boot.items():
        entry = ledger.get(boot)
        if entry is None:
            yield f"{boot}: the ledger does not know it"
            continue
        in_quarantine = {sample.number.seq for sample in samples if sample.number in refused}
        in_store = {sample.number.seq for sample in samples if row_key(sample) in stored} - in_quarantine
        absent = {sample.number.seq for sample in samples} - in_store - in_quarantine
        for what, said, found in (
            ("received", entry.received, in_store),
            ("quarantined", entry.quarantined, in_quarantine),
            ("missing", entry.missing, absent),
        ):
            if said.named != found:
                surplus, lack = _some(said.named - found), _some(found - said.named)
                yield f"{boot}: the ledger names {surplus} {what} that are not, and not {lack}"
            if said.total != len(found):
                yield f"{boot}: the ledger counts {said.total} {what}, the stores have {len(found)}"


def no_alarm_is_doubled(evidence: Evidence) -> Iterator[str]:
    """Alarms of one rule on one device are raised and cleared in turn, each with an id of its own."""
    raised_ids = Counter(
        event.alert.id for event in evidence.alert_events if event.transition is AlertTransition.RAISED
    )
    for alert_id, count in raised_ids.items():
        if count > 1:
            yield f"{alert_id}: raised {count} times"
    both = {AlertTransition.RAISED, AlertTransition.CLEARED}
    turns = [event for event in evidence.alert_events if event.transition in both]
    for key, events in _by_alarm(turns).items():
        if events[0].transition is not AlertTransition.RAISED:
            yield f"{key}: {events[0].alert.id} was cleared and never raised"
        for earlier, later in pairwise(events):
            if earlier.transition is later.transition:
                yield f"{key}: {earlier.alert.id} and {later.alert.id} were both {later.transition} in turn"


def every_kill_was_survived(evidence: Evidence) -> Iterator[str]:
    """After each kill the system catches up in time."""
    for number, kill in enumerate(evidence.kills, 1):
        if kill.caught_up_after is None:
            yield f"kill {number}, {' and '.join(kill.processes)}: it did not catch up in time"


def nothing_ends_by_itself(evidence: Evidence) -> Iterator[str]:
    """Whatever goes away, services wait for it."""
    yield from (f"{service} ended without being killed" for service in evidence.crashed)


def the_run_is_worth_something(evidence: Evidence) -> Iterator[str]:
    """A run in which nothing happened proves nothing."""
    happened = {
        "no good sample was sent": any(sample.metrics for sample in evidence.sent),
        "no bad sample was sent": any(sample.metrics is None for sample in evidence.sent),
        "nothing was stored": bool(evidence.rows),
        "no alarm was raised": bool(evidence.alert_events),
        "nothing was killed": bool(evidence.kills),
    }
    yield from (what for what, it_did in happened.items() if not it_did)


PROMISES: Mapping[str, Check] = {
    "every sample has a fate": every_sample_has_a_fate,
    "what devices still have is not missing": what_devices_still_have_is_not_missing,
    "only a killed broker loses": only_a_killed_broker_loses,
    "every bad message is in quarantine": every_bad_message_is_in_quarantine,
    "only bad messages are in quarantine": only_bad_messages_are_in_quarantine,
    "the store holds exactly what was sent": the_store_holds_exactly_what_was_sent,
    "no row is doubled": no_row_is_doubled,
    "the ledger agrees with the store": the_ledger_agrees_with_the_store,
    "no alarm is doubled": no_alarm_is_doubled,
    "every kill was survived": every_kill_was_survived,
    "nothing ends by itself": nothing_ends_by_itself,
    "the run is worth something": the_run_is_worth_something,
}
"""All that is checked: a new part of the system adds its own here."""


def violations(evidence: Evidence, promises: Mapping[str, Check] = PROMISES) -> list[Violation]:
    """Everything that is broken."""
    return [Violation(promise, what) for promise, check in promises.items() for what in check(evidence)]


def _by_boot(samples: Iterable[SentSample]) -> dict[Boot, list[SentSample]]:
    by_boot: dict[Boot, list[SentSample]] = defaultdict(list)
    for sample in samples:
        by_boot[sample.number.boot].append(sample)
    return by_boot


def _by_alarm(events: Iterable[AlertEvent]) -> dict[str, list[AlertEvent]]:
    by_alarm: dict[str, list[AlertEvent]] = defaultdict(list)
    for event in events:
        alert = event.alert
        by_alarm[f"{alert.grid_id}/{alert.device_id} {alert.rule_id}"].append(event)
    return by_alarm


def _some(numbers: Iterable[int]) -> str:
    ordered = sorted(numbers)
    return f"{ordered[:10]}{' and more' if len(ordered) > 10 else ''}"
