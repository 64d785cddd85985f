"""What a run comes down to: the numbers of the report. Pure."""

from collections import Counter
from typing import NamedTuple

from tests.prove.checks import Fates
from tests.prove.evidence import Evidence

from microgrid_common.schemas.alert import AlertTransition


class Figures(NamedTuple):
    """What was sent, and what became of it."""

    samples_sent: int
    """Samples that got a number."""
    samples_accepted: int
    """Of these, how many the broker took at least once."""
    samples_stored: int
    samples_quarantined: int
    samples_missing: int
    """Named missing by the ledger."""
    samples_missing_at_devices: int
    """Of these, how many their device still has: what of them does not come is a violation."""
    samples_unexplained: int
    duplicate_rows: int
    junk_sent: int
    """Bad messages without a number that the broker took."""
    junk_lost_with_broker: int
    """Of these, how many a killed broker lost: they cannot be asked back."""
    quarantine_entries: int
    """More than what was bad, where a bad message was delivered twice."""
    alarms_raised: int
    alarms_cleared: int
    longest_catch_up_seconds: float


def figures(evidence: Evidence) -> Figures:
    """Count."""
    fates = Fates(evidence)
    in_quarantine = {message.junk for message in evidence.quarantined}
    transitions = Counter(event.transition for event in evidence.alert_events)
    accepted_junk = [sent for sent in evidence.sent_junk if sent.accepted]
    return Figures(
        samples_sent=len(evidence.sent),
        samples_accepted=sum(sample.accepted for sample in evidence.sent),
        samples_stored=len(fates.stored),
        samples_quarantined=len(fates.quarantined),
        samples_missing=len(fates.missing),
        samples_missing_at_devices=sum(sample.kept for sample in fates.missing),
        samples_unexplained=len(fates.unexplained),
        duplicate_rows=len(evidence.rows) - len({row.key for row in evidence.rows}),
        junk_sent=len(accepted_junk),
        junk_lost_with_broker=sum(
            sent.lost_with_broker and sent.junk not in in_quarantine for sent in accepted_junk
        ),
        quarantine_entries=len(evidence.quarantined),
        alarms_raised=transitions[AlertTransition.RAISED],
        alarms_cleared=transitions[AlertTransition.CLEARED],
        longest_catch_up_seconds=max((kill.caught_up_after or 0.0 for kill in evidence.kills), default=0.0),
    )
