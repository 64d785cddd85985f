"""What a run says in the end."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tests.prove.checks import PROMISES, Violation
from tests.prove.evidence import Kill
from tests.prove.figures import Figures
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
    promises=list(PROMISES),
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
    assert all(f"- {promise}: holds" in text for promise in PROMISES)


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
    assert (folder / "prove.md").read_text() == BAD.as_markdown()
