"""An engine on fakes, with all that outlives it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from microgrid_alert_engine.default_rules import load_rules
from microgrid_alert_engine.engine import AlertEngine
from microgrid_alert_engine.families import Families
from microgrid_alert_engine.rule_watch import RuleWatch
from microgrid_alert_engine.ticks import Ticker
from microgrid_common.ports.durable_log import Record
from microgrid_common.runtime.alarm_desk import PlatformAlarms
from microgrid_common.schemas.device_link import LinkEvent
from microgrid_common.schemas.notice import DeviceNotice
from microgrid_common.schemas.quarantine import QuarantinedMessage
from microgrid_common.schemas.reading import Reading, encode_readings
from microgrid_common.schemas.streams import LINK_KIND, NOTICE_KIND, QUARANTINE_STREAM, READINGS_KIND
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.rule_store import FakeRuleStore
from microgrid_common.testing.samples import SAMPLE_TIME, sample_reading

STREAM = "readings:0"
QUIET = timedelta(minutes=10)
HIGH_LOAD = "Load Abnormality: Unusual load increase detected."
NORMAL_KW, HIGH_KW = 10.0, 15.0
PROTOTYPE_RULES = [
    rule
    for rule in load_rules(None)
    if rule.rule_id in {"load-abnormality", "equipment-temperature-high", "solar-output-low"}
]

Input = Reading | DeviceNotice | LinkEvent


def at(seconds: float) -> datetime:
    return SAMPLE_TIME + timedelta(seconds=seconds)


def load(
    seconds: float, consumption_kw: float, device_id: str = "meter", *, grid_id: str = "default"
) -> Reading:
    return sample_reading(at(seconds), grid_id=grid_id, device_id=device_id, consumption_kw=consumption_kw)


def notice(seconds: float, message: str = HIGH_LOAD, device_id: str = "meter") -> DeviceNotice:
    return DeviceNotice(grid_id="default", device_id=device_id, received_at=at(seconds), message=message)


class CrashError(BaseException):
    """The process ends here."""


@dataclass
class World:
    """An engine that is worked by hand. Its clock stands still until it is set."""

    log: FakeDurableLog = field(default_factory=FakeDurableLog)
    states: FakeAlarmStates = field(default_factory=FakeAlarmStates)
    rules: FakeRuleStore = field(default_factory=FakeRuleStore)
    devices: FakeDeviceRegistry = field(default_factory=FakeDeviceRegistry)
    now: datetime = SAMPLE_TIME

    async def start(self, *, member: str = "one", group: str = "engine") -> None:
        self.records = FakeAlertRecords(self.states)
        self.ticker = Ticker(self.states, self.log, shards=1, clock=self._clock)
        self.families = Families(self.devices, records=self.records, ticker=self.ticker)
        self.watch = RuleWatch(
            self.rules,
            records=self.records,
            platform=PlatformAlarms(self.states),
            ticker=self.ticker,
            clock=self._clock,
        )
        self.engine = AlertEngine(
            states=self.states,
            durable_log=self.log,
            rules=self.watch,
            families=self.families,
            ticker=self.ticker,
            notice_quiet=QUIET,
            clock=self._clock,
        )
        self.consumer = self.log.consumer(group=group, member=member, streams=[STREAM])
        await self.rules.seed(PROTOTYPE_RULES)
        await self.watch.refresh()
        await self.families.refresh()
        await self.families.tell_of_changes()

    async def append(self, *inputs: Input) -> None:
        await self.log.append([_record(each) for each in inputs])

    async def settle(self, *, entries_per_read: int = 20) -> None:
        while entries := await self.consumer.read(count=entries_per_read, wait=timedelta()):
            await self.engine.process(entries)
            await self.consumer.acknowledge(entries)

    async def take(self, *inputs: Input) -> None:
        await self.append(*inputs)
        await self.settle()

    async def pass_time(self, *, until: float) -> None:
        """Set the clock, and let it be told to those who wait for it."""
        self.now = at(until)
        await self.watch.refresh()
        await self.ticker.tell_those_due()
        await self.settle()

    @property
    def history(self) -> list[tuple[str, str, str, str, datetime]]:
        return [
            (event.transition, event.alert.id, event.alert.device_id, event.alert.rule_id, event.at)
            for event in self.states.events
        ]

    @property
    def transitions(self) -> list[str]:
        return [event.transition for event in self.states.events]

    @property
    def quarantined(self) -> list[QuarantinedMessage]:
        entries = self.log.streams[QUARANTINE_STREAM]
        return [QuarantinedMessage.model_validate_json(entry.data) for entry in entries]

    def _clock(self) -> datetime:
        return self.now


def _record(each: Input) -> Record:
    match each:
        case Reading():
            return Record(STREAM, READINGS_KIND, encode_readings([each]))
        case DeviceNotice():
            return Record(STREAM, NOTICE_KIND, each.model_dump_json().encode())
        case LinkEvent():
            return Record(STREAM, LINK_KIND, each.model_dump_json().encode())
