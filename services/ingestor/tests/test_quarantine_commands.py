"""`microgrid-ingestor quarantine …` as a person and as a program use it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.quarantine import QuarantineFilter
from microgrid_common.runtime.quarantine_replay import Replayer
from microgrid_common.schemas.quarantine import Defect, QuarantinedMessage, Reason
from microgrid_common.schemas.quarantine_entry import QuarantineEntry, QuarantineState
from microgrid_common.schemas.reading import Reading, decode_readings
from microgrid_common.schemas.streams import readings_streams
from microgrid_common.testing.contracts.quarantine_messages import ALL, REJECTED, found, put, refused
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.quarantine import FakeQuarantine
from microgrid_ingestor import quarantine_commands
from microgrid_ingestor.__main__ import application
from microgrid_ingestor.quarantine_desk import QuarantineDesk, parse_time

SHARDS = 4
GOOD = b'{"schema":1,"timestamp":"2026-11-23T09:59:58.000Z","metrics":{"consumption_kw":10.5}}'
OPEN, REPLAYED, DISCARDED = QuarantineState.OPEN, QuarantineState.REPLAYED, QuarantineState.DISCARDED


class Terminal:
    """Runs commands on a quarantine in memory."""

    def __init__(self) -> None:
        self.log = FakeDurableLog()
        self.quarantine = FakeQuarantine(self.log)

    def put(self, *messages: QuarantinedMessage) -> list[QuarantineEntry]:
        asyncio.run(put(self.log, *messages))
        return self.found()

    def found(self, wanted: QuarantineFilter = ALL) -> list[QuarantineEntry]:
        return asyncio.run(found(self.quarantine, wanted))

    def states(self) -> list[QuarantineState]:
        return [entry.state for entry in self.found()]

    def readings(self) -> list[Reading]:
        streams = [self.log.streams[stream] for stream in readings_streams(SHARDS)]
        return [reading for stream in streams for entry in stream for reading in decode_readings(entry.data)]

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(application, ["quarantine", *arguments])

    def json(self, *arguments: str, exit_code: int = 0) -> Any:
        result = self(*arguments, "--json")
        assert result.exit_code == exit_code, result.output
        return json.loads(result.stdout)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    terminal = Terminal()

    @asynccontextmanager
    async def desk(_: object) -> AsyncIterator[QuarantineDesk]:
        replayer = Replayer(terminal.quarantine, devices=FakeDeviceRegistry(), shards=SHARDS)
        yield QuarantineDesk(terminal.quarantine, replayer)

    monkeypatch.setattr(quarantine_commands, "open_quarantine_desk", desk)
    monkeypatch.setattr(quarantine_commands, "configure_logging", lambda **_: None)
    with capture_logs():
        yield terminal


def test_an_empty_quarantine_says_so(terminal: Terminal) -> None:
    result = terminal("list")
    assert (result.exit_code, result.stdout) == (0, "Nothing is open.\n")


def test_a_list_shows_who_what_why_and_how_many(terminal: Terminal) -> None:
    first, second = terminal.put(refused(1), refused(2, grid_id=None, device_id=None, defects=(REJECTED,)))
    lines = terminal("list").stdout.splitlines()
    assert [line.split("│")[1].strip() for line in lines if "│" in line] == [second.id, first.id]
    for part in ("village/meter", "out_of_range metrics.battery_soc", "~no-grid", "rejected_by_store"):
        assert part in "\n".join(lines)
    assert lines[-1] == "Open: 2 (out_of_range 1, rejected_by_store 1)."


def test_an_id_is_whole_on_the_narrowest_terminal(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine_commands, "_WIDTH_OF_A_FILE", 80)
    [entry] = terminal.put(refused(1))
    assert entry.id in terminal("list").stdout
    assert entry.id in terminal("replay", entry.id).stdout


def test_a_list_for_programs_has_every_field(terminal: Terminal) -> None:
    [entry] = terminal.put(refused(1))
    answer = terminal.json("list")
    assert answer == {
        "messages": [
            {
                "id": entry.id,
                "quarantined_at": entry.quarantined_at.isoformat().replace("+00:00", "Z"),
                "received_at": "2026-11-23T10:00:00.000001Z",
                "topic": "microgrid/village/device/meter/telemetry",
                "grid_id": "village",
                "device_id": "meter",
                "defects": [
                    {
                        "reason": "out_of_range",
                        "field": "metrics.battery_soc",
                        "detail": "130 is outside 0 to 100 %",
                    }
                ],
                "raw_size_bytes": 1,
                "raw_kept_bytes": 1,
                "state": "open",
                "handled_at": None,
                "handled_by": None,
            }
        ],
        "cursor": None,
        "counts": {"open": {"out_of_range": 1}},
    }


def test_a_list_goes_on_at_its_cursor(terminal: Terminal) -> None:
    ids = [entry.id for entry in terminal.put(*(refused(number) for number in range(5)))]
    first = terminal.json("list", "--limit", "3")
    rest = terminal.json("list", "--limit", "3", "--cursor", first["cursor"])
    assert [message["id"] for message in first["messages"] + rest["messages"]] == ids[::-1]
    assert rest["cursor"] is None
    assert f"--cursor {first['cursor']}" in terminal("list", "--limit", "3").stdout


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--grid", "town"], [1]),
        (["--grid", "~no-grid"], [2]),
        (["--device", "meter"], [0, 1]),
        (["--reason", "rejected_by_store"], [2]),
        (["--state", "discarded"], [3]),
        (["--state", "any"], [0, 1, 2, 3]),
        (["--since", "1h"], [0, 1, 2]),
        (["--until", "1h"], []),
        (["--since", "2020-01-01", "--until", "2021-01-01T00:00:00Z"], []),
    ],
)
def test_a_list_can_be_narrowed(terminal: Terminal, options: list[str], expected: list[int]) -> None:
    entries = terminal.put(
        refused(0),
        refused(1, grid_id="town"),
        refused(2, grid_id=None, device_id=None, defects=(REJECTED,)),
        refused(3),
    )
    terminal("discard", entries[3].id)
    answer = terminal.json("list", *options)
    assert [message["id"] for message in answer["messages"]] == [entries[n].id for n in expected[::-1]]


def test_a_message_is_shown_with_its_payload(terminal: Terminal) -> None:
    [entry] = terminal.put(refused(raw=b'{"a": [bold]1}\n', raw_size_bytes=15))
    result = terminal("show", entry.id)
    assert result.exit_code == 0
    assert r'{"a": [bold]1}\n' in result.stdout
    assert "out_of_range at metrics.battery_soc: 130 is outside 0 to 100 %" in result.stdout
    message = terminal.json("show", entry.id)
    assert base64.b64decode(message["raw_base64"]) == b'{"a": [bold]1}\n'
    assert message["id"] == entry.id


NASTY = "\x1b]0;owned\x07\x1b[2J\r\x9b31m\u202e\u2066 end"


@pytest.mark.parametrize(
    "show",
    [lambda entry: ["show", entry.id], lambda _: ["list"], lambda entry: ["replay", entry.id]],
    ids=["show", "list", "replay"],
)
@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["table", "json"])
def test_nothing_that_a_device_sent_reaches_the_terminal_as_it_is(
    terminal: Terminal, show: Callable[[QuarantineEntry], list[str]], as_json: list[str]
) -> None:
    defect = Defect(reason=Reason.INVALID_FIELD, field=f"metrics.{NASTY}", detail=f"bad {NASTY}")
    [entry] = terminal.put(refused(raw=b"\xff\xfe" + NASTY.encode(), topic=f"a/{NASTY}", defects=(defect,)))
    output = terminal(*show(entry), *as_json).output
    assert all(character.isprintable() or character == "\n" for character in output)


def test_a_long_payload_is_shown_in_part(terminal: Terminal) -> None:
    [entry] = terminal.put(refused(raw=b"a" * 100_000))
    result = terminal("show", entry.id)
    assert result.stdout.count("a" * 50) < 100
    assert "96000 more characters; --json has all of it" in result.stdout
    assert len(base64.b64decode(terminal.json("show", entry.id)["raw_base64"])) == 100_000


@pytest.mark.parametrize("entry_id", ["1-0", "nonsense", "../etc"])
def test_a_message_that_is_not_there_is_an_exit_code(terminal: Terminal, entry_id: str) -> None:
    assert terminal("show", entry_id).exit_code == 1
    assert terminal("replay", entry_id).exit_code == 1
    assert terminal("discard", entry_id).exit_code == 1


def test_a_replay_makes_readings_and_says_so(terminal: Terminal) -> None:
    [entry] = terminal.put(refused(raw=GOOD))
    result = terminal("replay", entry.id, "--by", "Ann")
    assert result.exit_code == 0
    assert "1 of 1 messages done." in result.stdout
    assert [reading.metrics for reading in terminal.readings()] == [{"consumption_kw": 10.5}]
    [after] = terminal.found()
    assert (after.state, after.handled_by) == (REPLAYED, "Ann")


def test_a_dry_run_changes_nothing(terminal: Terminal) -> None:
    entries = terminal.put(refused(1, raw=GOOD), refused(2, raw=b"{"))
    answer = terminal.json("replay", "--all", "--dry-run", exit_code=1)
    assert [(each["verdict"], each["readings"], each["state"]) for each in answer["messages"]] == [
        ("accepted", 1, "open"),
        ("refused", 0, "open"),
    ]
    assert answer["dry_run"] is True
    result = terminal("discard", "--all", "--dry-run")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (
        0,
        "2 of 2 messages would be done; nothing was changed.",
    )
    assert terminal.found() == entries
    assert terminal.readings() == []


def test_what_is_still_refused_or_cut_is_named_and_is_an_exit_code(terminal: Terminal) -> None:
    [_, bad, cut] = terminal.put(
        refused(1, raw=GOOD), refused(2, raw=b"{"), refused(3, raw=GOOD, raw_size_bytes=10_000_000)
    )
    result = terminal("replay", "--all")
    assert result.exit_code == 1
    assert "1 of 3 messages done." in result.stdout
    [bad_line, cut_line] = [line for line in result.stdout.splitlines() if "│" in line]
    assert (bad.id in bad_line, "malformed_json" in bad_line) == (True, True)
    assert (cut.id in cut_line, "of its 10000000 bytes" in cut_line) == (True, True)
    assert terminal.states() == [REPLAYED, OPEN, OPEN]


def test_all_means_all_open_ones_that_the_options_find_the_oldest_first(terminal: Terminal) -> None:
    entries = terminal.put(
        *(refused(number, raw=GOOD, grid_id="village" if number % 2 else "town") for number in range(450))
    )
    terminal("discard", entries[1].id)
    answer = terminal.json("replay", "--all", "--grid", "village")
    assert [message["id"] for message in answer["messages"]] == [entry.id for entry in entries[3::2]]
    assert terminal.states().count(REPLAYED) == 224
    arrivals = [reading.received_at for reading in terminal.readings()]
    assert arrivals == sorted(arrivals)


def test_twice_is_as_good_as_once(terminal: Terminal) -> None:
    [entry] = terminal.put(refused(raw=GOOD))
    first, second = (terminal.json("replay", entry.id) for _ in range(2))
    assert first == second
    once, again = terminal.readings()
    assert once == again
    assert terminal.json("replay", "--all")["messages"] == []


def test_discarding_keeps_the_message_and_who_did_it(terminal: Terminal) -> None:
    first, second = terminal.put(refused(1), refused(2))
    assert terminal.json("discard", first.id, second.id, "--by", "Ann")["messages"] == [
        {"id": first.id, "state": "discarded"},
        {"id": second.id, "state": "discarded"},
    ]
    assert {(entry.state, entry.handled_by) for entry in terminal.found()} == {(DISCARDED, "Ann")}
    assert terminal.json("list", "--state", "discarded")["counts"] == {"discarded": {"out_of_range": 2}}


def test_a_replayed_message_cannot_be_discarded(terminal: Terminal) -> None:
    [entry] = terminal.put(refused(raw=GOOD))
    terminal("replay", entry.id)
    assert terminal.json("discard", entry.id, exit_code=1)["messages"] == [
        {"id": entry.id, "state": "replayed"}
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay"],
        ["replay", "1-0", "--all"],
        ["replay", "1-0", "--grid", "village"],
        ["replay", "--all", "--by", "a\nb"],
        ["discard"],
        ["list", "--since", "yesterday"],
        ["list", "--since", "999999w"],
        ["list", "--reason", "because"],
        ["list", "--cursor", "("],
        ["list", "--limit", "0"],
        ["show"],
        ["nonsense"],
    ],
)
def test_wrong_usage_is_exit_code_2_and_changes_nothing(terminal: Terminal, arguments: list[str]) -> None:
    before = terminal.put(refused(1))
    assert terminal(*arguments).exit_code == 2
    assert terminal.found() == before


def test_a_store_that_is_away_is_exit_code_3(terminal: Terminal) -> None:
    for command in (["list"], ["show", "1-0"], ["replay", "--all"], ["discard", "1-0"]):
        terminal.quarantine.fail_next(RetryableError("redis: connection refused"))
        result = terminal(*command)
        assert (result.exit_code, result.stderr) == (3, "microgrid-ingestor: redis: connection refused\n")


def test_without_a_user_name_the_record_still_has_a_name(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    [entry] = terminal.put(refused(1))
    terminal("discard", entry.id)
    assert [after.handled_by for after in terminal.found()] == ["command line"]


def test_the_help_names_every_command() -> None:
    result = CliRunner().invoke(application, ["quarantine", "--help"])
    assert all(command in result.stdout for command in ("list", "show", "replay", "discard"))


NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("24h", NOW - timedelta(days=1)),
        ("2w", NOW - timedelta(days=14)),
        ("2026-11-23T10:00:00Z", NOW),
        ("2026-11-23T11:00+01:00", NOW),
        ("2026-11-23T10:00", NOW),
    ],
)
def test_times_are_read_as_people_write_them(text: str, time: datetime) -> None:
    assert parse_time(text, now=NOW) == time
