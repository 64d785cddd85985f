"""What a run says in the end."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tests.prove.alarm_checks import ALARM_PROMISES, AlarmFigures, EngineKill
from tests.prove.alarm_run import AlarmProof
from tests.prove.checks import PROMISES, Violation
from tests.prove.evidence import Kill
from tests.prove.figures import Figures
from tests.prove.live_checks import LIVE_PROMISES
from tests.prove.live_run import LiveProof
from tests.prove.report import Report

NOTHING = Figures(*([0] * len(Figures._fields)))
KILL = Kill(
    targets=("redis", "broker"),
    processes=("redis", "mosquitto"),
    at=3.0,
    down_for=2.0,
    caught_up_after=1.5,
    waited_last_for="the log",
)
GOOD = Report(
    started_at=datetime(2026, 11, 23, 10, tzinfo=UTC),
    seconds=180.0,
    seed=7,
    devices=200,
    messages_per_second=200,
    figures=NOTHING._replace(samples_sent=1_000, samples_stored=990),
    asked_back=12,
    kills=[KILL],
    settled_after=4.2,
    peak_memory={"ingestor-1": 95.4},
    alarms=AlarmProof(
        seconds=70.0,
        devices=200,
        figures=AlarmFigures(*([0] * len(AlarmFigures._fields)))._replace(
            alarms_expected=640, alarms_raised=640, alarms_suppressed=50, alarms_notified=590
        ),
        kills=[EngineKill(("engine-1",), datetime(2026, 11, 23, 10, 1, tzinfo=UTC), 1.25)],
        delays_at_kills=[44],
        settled_after=1.3,
        violations=[],
    ),
    live=LiveProof(
        seconds=24.7,
        clients=20,
        cuts=201,
        kills=2,
        transitions=436,
        heard=8_497,
        resumed=219,
        gaps=1,
        settled_after=0.4,
        violations=[],
    ),
    promises=[*PROMISES, *ALARM_PROMISES, *LIVE_PROMISES],
    violations=[],
)
BAD = replace(
    GOOD,
    kills=[replace(KILL, caught_up_after=None)],
    settled_after=None,
    violations=[Violation("no row is doubled", f"row {number}") for number in range(30)],
)


def test_a_good_run_says_so() -> None:
    text = GOOD.as_markdown()
    assert GOOD.holds
    assert "every promise holds" in text
    assert "VIOLATION" not in text
    assert "| samples sent | 1000 |" in text
    assert "| redis, broker | redis, mosquitto | 3 s | 2.0 s | 1.5 s | the log |" in text
    assert "| ingestor-1 | 95 MB |" in text
    assert "| alarms expected / raised | 640 / 640 |" in text
    assert "| on-delays running at a kill | 44 |" in text
    assert "| … resumed by a cursor | 219 |" in text
    assert all(f"- {promise}: holds" in text for promise in GOOD.promises)


def test_a_bad_run_names_the_promise_and_what_broke_it() -> None:
    text = BAD.as_markdown()
    assert not BAD.holds
    assert "30 VIOLATIONS" in text
    assert "- no row is doubled: 30 VIOLATIONS" in text
    assert "- no row is doubled: row 0" in text
    assert "and 10 more" in text
    assert "| never |" in text


def test_both_files_tell_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    BAD.write(folder)
    written = json.loads((folder / "prove.json").read_text())
    assert written["holds"] is False
    assert written["samples_sent"] == 1_000
    assert written["broken"] == {"no row is doubled": 30}
    assert len(written["violations"]) == 30
    assert written["kills"][0]["caught_up_after"] is None
    assert written["alarms"]["alarms_notified"] == 590
    assert written["alarms"]["kills"][0]["on_delays_running"] == 44
    assert written["live"]["cuts"] == 201
    assert (folder / "prove.md").read_text() == BAD.as_markdown()
