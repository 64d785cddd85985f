"""Each promise is kept by an honest run, and each way of breaking it is found."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.prove.checks import PROMISES, violations
from tests.prove.evidence import (
    Boot,
    Device,
    Evidence,
    Junk,
    Kill,
    LedgerBoot,
    LedgerNumbers,
    Number,
    Outage,
    Quarantined,
    Row,
    RowKey,
    SentJunk,
    SentSample,
)
from tests.prove.figures import figures

from microgrid_common.schemas.alert import (
    Alert,
    AlertEvent,
    AlertSource,
    AlertStatus,
    AlertTransition,
    Severity,
)

DEVICE = Device("fleet-0", "device-0000")
OTHER = Device("fleet-1", "device-0001")
BOOT = Boot(DEVICE, "b1")
GOOD, IN_PART, BAD, LOST = range(4)
"""Numbers of the samples that the device sent."""
JUNK = Junk(DEVICE, "junk-0")
TOPIC = "microgrid/fleet-0/device/device-0000/telemetry"
METRICS = {"battery_soc": 50.0}
START = datetime(2026, 1, 1, tzinfo=UTC)


def number(seq: int) -> Number:
    return Number(BOOT, seq)


def sample(seq: int, *, bad: bool = False, in_part: bool = False, kept: bool = True) -> SentSample:
    return SentSample(
        number=number(seq),
        timestamp=seq * 1_000,
        metrics=None if bad else METRICS,
        in_part=in_part,
        accepted=True,
        kept=kept,
    )


def row(seq: int, metrics: dict[str, float] = METRICS) -> Row:
    return Row(RowKey(DEVICE, seq * 1_000), metrics)


def event(transition: AlertTransition, number: int, *, minutes: int) -> AlertEvent:
    at = START + timedelta(minutes=minutes)
    alert = Alert(
        id=f"alert-{number}",
        grid_id=DEVICE.grid_id,
        device_id=DEVICE.device_id,
        rule_id="load",
        severity=Severity.WARNING,
        message="Load",
        status=AlertStatus.ACTIVE,
        source=AlertSource.RULE,
        raised_at=at,
    )
    return AlertEvent(transition=transition, at=at, alert=alert)


def told(*numbers: int) -> LedgerNumbers:
    return LedgerNumbers(len(numbers), frozenset(numbers))


RAISED, CLEARED = AlertTransition.RAISED, AlertTransition.CLEARED

HONEST = Evidence(
    sent=[
        sample(GOOD),
        sample(IN_PART, in_part=True),
        sample(BAD, bad=True),
        sample(LOST, kept=False),
    ],
    sent_junk=[SentJunk(junk=JUNK, accepted=True, lost_with_broker=False)],
    rows=[row(GOOD), row(IN_PART)],
    quarantined=[
        Quarantined(topic=TOPIC, reason="out_of_range", carried=(number(IN_PART),)),
        Quarantined(topic=TOPIC, reason="wrong_type", refused=(number(BAD),), carried=(number(BAD),)),
        Quarantined(topic=TOPIC, reason="malformed_json", junk=JUNK),
    ],
    ledger=[LedgerBoot(boot=BOOT, received=told(GOOD, IN_PART), quarantined=told(BAD), missing=told(LOST))],
    alert_events=[
        event(RAISED, 1, minutes=1),
        event(CLEARED, 1, minutes=2),
        event(RAISED, 2, minutes=3),
    ],
    kills=[
        Kill(
            targets=("broker",),
            processes=("mosquitto",),
            at=1.0,
            down_for=1.0,
            caught_up_after=2.0,
            waited_last_for="the log",
        )
    ],
    broker_outages=[Outage(LOST * 1_000 - 500, LOST * 1_000 + 500)],
)
"""One sample was stored, one in part, one was refused, one got lost, and so it was all accounted for."""


def with_sample(changed: SentSample) -> Evidence:
    return replace(HONEST, sent=[changed if old.number == changed.number else old for old in HONEST.sent])


def with_quarantined(message: Quarantined) -> Evidence:
    return replace(HONEST, quarantined=[*HONEST.quarantined, message])


def with_ledger(**changes: object) -> Evidence:
    return replace(HONEST, ledger=[replace(HONEST.ledger[0], **changes)])  # type: ignore[arg-type]


def with_alerts(*events: AlertEvent) -> Evidence:
    return replace(HONEST, alert_events=events)


def without_quarantined(index: int) -> Evidence:
    left = [message for at, message in enumerate(HONEST.quarantined) if at != index]
    return replace(HONEST, quarantined=left)


BROKEN: dict[str, list[Callable[[], Evidence]]] = {
    "every sample has a fate": [
        lambda: replace(HONEST, rows=[row(IN_PART)]),
        lambda: with_ledger(missing=told()),
        lambda: without_quarantined(1),
        lambda: replace(HONEST, ledger=[]),
    ],
    "what devices still have is not missing": [lambda: with_sample(sample(LOST))],
    "only a killed broker loses": [
        lambda: replace(HONEST, broker_outages=[]),
        lambda: replace(HONEST, broker_outages=[Outage(0, LOST * 1_000 - 1)]),
        lambda: replace(HONEST, broker_outages=[Outage(LOST * 1_000 + 1, 1_000_000)]),
    ],
    "every bad message is in quarantine": [lambda: without_quarantined(0), lambda: without_quarantined(2)],
    "only bad messages are in quarantine": [
        lambda: with_quarantined(Quarantined(topic=TOPIC, reason="x", refused=(number(GOOD),))),
        lambda: with_quarantined(Quarantined(topic=TOPIC, reason="x", refused=(number(99),))),
        lambda: with_quarantined(Quarantined(topic=TOPIC, reason="x", carried=(number(GOOD),))),
        lambda: with_quarantined(Quarantined(topic="microgrid/else", reason="unknown_topic")),
        lambda: with_quarantined(Quarantined(topic=TOPIC, reason="x", junk=Junk(OTHER, "junk-0"))),
    ],
    "the store holds exactly what was sent": [
        lambda: replace(HONEST, rows=[*HONEST.rows, row(99)]),
        lambda: replace(HONEST, rows=[*HONEST.rows, row(BAD)]),
        lambda: replace(HONEST, rows=[row(GOOD, {"battery_soc": 51.0}), row(IN_PART)]),
        lambda: replace(HONEST, rows=[row(GOOD, {**METRICS, "humidity_percent": 1.0}), row(IN_PART)]),
        lambda: replace(HONEST, rows=[*HONEST.rows, Row(RowKey(OTHER, 0), METRICS)]),
    ],
    "no row is doubled": [lambda: replace(HONEST, rows=[*HONEST.rows, row(GOOD)])],
    "the ledger agrees with the store": [
        lambda: with_ledger(received=told(GOOD)),
        lambda: with_ledger(received=told(GOOD, 99)),
        lambda: with_ledger(received=told(GOOD, IN_PART)._replace(total=3)),
        lambda: with_ledger(quarantined=told()),
        lambda: with_ledger(missing=told(LOST, GOOD)),
        lambda: with_ledger(missing=told()),
        lambda: replace(HONEST, ledger=[]),
        lambda: replace(HONEST, ledger=[*HONEST.ledger, replace(HONEST.ledger[0], boot=Boot(DEVICE, "b2"))]),
    ],
    "no alarm is doubled": [
        lambda: with_alerts(event(RAISED, 1, minutes=1), event(RAISED, 2, minutes=2)),
        lambda: with_alerts(event(RAISED, 1, minutes=1), event(RAISED, 1, minutes=1)),
        lambda: with_alerts(
            event(RAISED, 1, minutes=1), event(CLEARED, 1, minutes=2), event(CLEARED, 1, minutes=3)
        ),
        lambda: with_alerts(
            event(RAISED, 1, minutes=1), event(CLEARED, 1, minutes=2), event(RAISED, 1, minutes=3)
        ),
        lambda: with_alerts(event(CLEARED, 1, minutes=1)),
    ],
    "every kill was survived": [
        lambda: replace(HONEST, kills=[replace(HONEST.kills[0], caught_up_after=None)])
    ],
    "nothing ends by itself": [lambda: replace(HONEST, crashed=["api"])],
    "the run is worth something": [
        lambda: replace(HONEST, sent=[sample(BAD, bad=True)]),
        lambda: replace(HONEST, sent=[sample(GOOD)]),
        lambda: replace(HONEST, rows=[]),
        with_alerts,
        lambda: replace(HONEST, kills=[]),
    ],
}


def test_an_honest_run_breaks_no_promise() -> None:
    assert violations(HONEST) == []


@pytest.mark.parametrize(
    ("promise", "evidence"),
    [
        pytest.param(promise, evidence, id=f"{promise}-{index}")
        for promise, ways in BROKEN.items()
        for index, evidence in enumerate(ways)
    ],
)
def test_a_broken_promise_is_found(promise: str, evidence: Callable[[], Evidence]) -> None:
    assert promise in {violation.promise for violation in violations(evidence())}


def test_each_promise_can_be_broken() -> None:
    assert BROKEN.keys() == PROMISES.keys()


def test_what_the_broker_never_took_may_be_missing() -> None:
    never_taken = replace(sample(LOST, kept=False), accepted=False)
    assert violations(replace(with_sample(never_taken), broker_outages=[])) == []


def test_a_bad_message_without_a_number_may_go_with_a_killed_broker() -> None:
    lost = replace(HONEST.sent_junk[0], lost_with_broker=True)
    evidence = replace(without_quarantined(2), sent_junk=[lost])
    assert violations(evidence) == []
    assert figures(evidence).junk_lost_with_broker == 1


def test_a_bad_message_that_the_broker_never_took_is_not_expected() -> None:
    never_taken = replace(HONEST.sent_junk[0], accepted=False)
    assert violations(replace(without_quarantined(2), sent_junk=[never_taken])) == []


def test_a_bad_message_that_came_twice_is_no_violation() -> None:
    assert violations(with_quarantined(HONEST.quarantined[1])) == []


def test_the_figures_of_an_honest_run_add_up() -> None:
    counted = figures(HONEST)
    assert counted.samples_sent == 4
    assert (counted.samples_stored, counted.samples_quarantined, counted.samples_missing) == (2, 1, 1)
    assert (counted.samples_unexplained, counted.duplicate_rows) == (0, 0)
    assert (counted.alarms_raised, counted.alarms_cleared) == (2, 1)
    assert counted.longest_catch_up_seconds == 2.0


def test_a_doubled_row_is_counted() -> None:
    assert figures(replace(HONEST, rows=[*HONEST.rows, row(GOOD)])).duplicate_rows == 1
