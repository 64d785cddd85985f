"""The report of a run: one file for programs, one for people."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.prove.alarm_run import AlarmProof
from tests.prove.checks import Violation
from tests.prove.evidence import Kill
from tests.prove.figures import Figures
from tests.prove.live_run import LiveProof

_VIOLATIONS_SHOWN = 20
"""A promise that breaks often breaks thousands of times; the file for programs holds more."""
_VIOLATIONS_KEPT = 1_000

_WHY_SOME_ARE_MISSING = (
    "What a killed broker loses is asked back. Some devices keep nothing on purpose: that nothing else of "
    "theirs is missing shows that only a killed broker loses what it took."
)
_ALARM_PART = (
    "Known episodes are played to two alert engines while these are killed. What is expected, raised and, "
    "unless suppressed, told is the same; and the events are byte for byte those that the same log gives "
    "without a kill."
)
_LIVE_PART = (
    "Clients over WebSockets and server-sent events are cut off without a word, and come back by their "
    "cursors to any of two replicas. The log keeps alarm events for 3 s only; one client sleeps past that, "
    "and is told of the gap. All end with what the API lists."
)
_ONE_PROCESS = (
    "Receiver and historian are one process, the ingestor, of which two replicas run: each kill of one is a "
    "kill of the other."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run showed."""

    started_at: datetime
    """Aware, UTC."""
    seconds: float
    """How long it took, with starting and stopping everything."""
    seed: int
    devices: int
    messages_per_second: float
    figures: Figures
    asked_back: int
    """How many samples the devices sent again because they were asked for."""
    kills: Sequence[Kill]
    settled_after: float | None
    """Seconds from the end of measuring until every promise held; None when that was never so."""
    peak_memory: Mapping[str, float]
    """Service → its largest resident size over all its lives, in MB."""
    alarms: AlarmProof
    """What the alarm part showed."""
    live: LiveProof
    """What the live part showed."""
    promises: Sequence[str]
    """Also those of the alarm and the live part."""
    violations: Sequence[Violation]
    """Also those of the alarm and the live part."""

    @property
    def holds(self) -> bool:
        """Whether every promise holds."""
        return not self.violations

    def write(self, folder: Path) -> None:
        """Write `prove.json` and `prove.md`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prove.json").write_text(self.as_json() + "\n", encoding="utf-8")
        (folder / "prove.md").write_text(self.as_markdown(), encoding="utf-8")

    def as_json(self) -> str:
        """For programs."""
        return json.dumps(
            {
                "holds": self.holds,
                "started_at": self.started_at.isoformat(timespec="seconds"),
                "seconds": round(self.seconds, 1),
                "seed": self.seed,
                "devices": self.devices,
                "messages_per_second": self.messages_per_second,
                **self.figures._asdict(),
                "samples_sent_again": self.asked_back,
                "settled_after_seconds": self.settled_after,
                "kills": [asdict(kill) for kill in self.kills],
                "peak_memory_megabytes": dict(self.peak_memory),
                "alarms": self._alarms_for_programs(),
                "live": self._live_for_programs(),
                "broken": self._broken(),
                "violations": [asdict(violation) for violation in self.violations[:_VIOLATIONS_KEPT]],
            },
            indent=2,
        )

    def as_markdown(self) -> str:
        """For people."""
        return "\n".join(
            [
                *self._head(),
                *self._figures(),
                *self._kills(),
                *self._memory(),
                *self._alarms(),
                *self._live(),
                *self._promises(),
            ]
        )

    def _alarms_for_programs(self) -> dict[str, Any]:
        alarms = self.alarms
        return {
            "seconds": round(alarms.seconds, 1),
            "devices": alarms.devices,
            **alarms.figures._asdict(),
            "settled_after_seconds": alarms.settled_after,
            "kills": [
                {
                    "engines": kill.engines,
                    "at": kill.at.isoformat(timespec="milliseconds"),
                    "down_for": round(kill.down_for, 2),
                    "on_delays_running": delays,
                }
                for kill, delays in zip(alarms.kills, alarms.delays_at_kills, strict=True)
            ],
        }

    def _live_for_programs(self) -> dict[str, Any]:
        fields = asdict(self.live)
        del fields["violations"]
        return fields | {"seconds": round(self.live.seconds, 1)}

    def _broken(self) -> dict[str, int]:
        return dict(Counter(violation.promise for violation in self.violations))

    def _head(self) -> list[str]:
        verdict = "every promise holds" if self.holds else f"{len(self.violations)} VIOLATIONS"
        return [
            f"# Proof of {self.started_at:%Y-%m-%d %H:%M} UTC: {verdict}",
            "",
            (
                f"{len(self.kills)} kills in {self.seconds:.0f} s, seed {self.seed}: "
                f"{self.devices} devices sent {self.messages_per_second:g} messages a second."
            ),
            "",
        ]

    def _figures(self) -> list[str]:
        counted = self.figures
        settled = _seconds(self.settled_after)
        rows = {
            "samples sent": counted.samples_sent,
            "… taken by the broker": counted.samples_accepted,
            "stored": counted.samples_stored,
            "quarantined": counted.samples_quarantined,
            "named missing": counted.samples_missing,
            "… that devices still have": counted.samples_missing_at_devices,
            "unexplained": counted.samples_unexplained,
            "duplicate rows": counted.duplicate_rows,
            "sent again on request": self.asked_back,
            "bad messages without a number": counted.junk_sent,
            "… lost with a killed broker": counted.junk_lost_with_broker,
            "entries in quarantine": counted.quarantine_entries,
            "alarms raised / cleared": f"{counted.alarms_raised} / {counted.alarms_cleared}",
            "longest catch-up": f"{counted.longest_catch_up_seconds:.1f} s",
            "all settled after the last sample": settled,
        }
        return [
            "| | |",
            "| --- | ---: |",
            *(f"| {name} | {value} |" for name, value in rows.items()),
            "",
            _WHY_SOME_ARE_MISSING,
            "",
        ]

    def _kills(self) -> list[str]:
        return [
            "| kill | process | at | away | caught up after | last |",
            "| --- | --- | ---: | ---: | ---: | --- |",
            *(
                f"| {', '.join(kill.targets)} | {', '.join(kill.processes)} | "
                f"{kill.at:.0f} s | {kill.down_for:.1f} s | "
                f"{_seconds(kill.caught_up_after)} | "
                f"{kill.waited_last_for} |"
                for kill in self.kills
            ),
            "",
            _ONE_PROCESS,
            "",
        ]

    def _memory(self) -> list[str]:
        return [
            "| service | most memory |",
            "| --- | ---: |",
            *(f"| {name} | {megabytes:.0f} MB |" for name, megabytes in self.peak_memory.items()),
            "",
        ]

    def _alarms(self) -> list[str]:
        alarms, counted = self.alarms, self.alarms.figures
        settled = _seconds(alarms.settled_after)
        rows = {
            "alarms expected / raised": f"{counted.alarms_expected} / {counted.alarms_raised}",
            "… suppressed, as their gateway was lost": counted.alarms_suppressed,
            "alarms notified": counted.alarms_notified,
            "alarms doubled": counted.alarms_doubled,
            "alarms lost": counted.alarms_lost,
            f"notifications of a lost gateway of {counted.gateway_children}": counted.gateway_notifications,
            "kills of engines": len(alarms.kills),
            "on-delays running at a kill": ", ".join(map(str, alarms.delays_at_kills)),
            "all settled after the last reading": settled,
        }
        return [
            f"| alarms: {alarms.devices} devices, {alarms.seconds:.0f} s | |",
            "| --- | ---: |",
            *(f"| {name} | {value} |" for name, value in rows.items()),
            "",
            _ALARM_PART,
            "",
        ]

    def _live(self) -> list[str]:
        live = self.live
        rows = {
            "alarm transitions to hear": live.transitions,
            "… heard, by all clients together": live.heard,
            "connections cut at random": live.cuts,
            "… resumed by a cursor": live.resumed,
            "gaps told": live.gaps,
            "kills of replicas of the API": live.kills,
            "all settled after the last event": _seconds(live.settled_after),
        }
        return [
            f"| live: {live.clients} clients, {live.seconds:.0f} s | |",
            "| --- | ---: |",
            *(f"| {name} | {value} |" for name, value in rows.items()),
            "",
            _LIVE_PART,
            "",
        ]

    def _promises(self) -> list[str]:
        broken = self._broken()
        lines = [
            f"- {promise}: {f'{broken[promise]} VIOLATIONS' if promise in broken else 'holds'}"
            for promise in self.promises
        ]
        shown = [
            f"- {violation.promise}: {violation.what}" for violation in self.violations[:_VIOLATIONS_SHOWN]
        ]
        left_out = len(self.violations) - len(shown)
        if left_out:
            shown.append(f"- … and {left_out} more")
        return [*lines, "", *shown, ""]


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f} s"
