"""Alarms under all that can happen to them, against a simple model of the table in `docs/alarms.md`."""

from contextlib import suppress
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from libs.common.tests.alarm_world import (
    GATEWAY,
    HIGH,
    METER,
    NORMAL,
    World,
    at,
    link,
    load,
    load_rule,
    tick,
)

from microgrid_common.schemas.alert import AlarmState, Alert, AlertStatus
from microgrid_common.schemas.device_link import LinkChange
from microgrid_common.transforms.alarms.actions import (
    Acknowledge,
    Action,
    ActionRefusedError,
    Clear,
    ReturnToService,
    Shelve,
    TakeOutOfService,
    Unshelve,
)
from microgrid_common.transforms.alarms.documents import (
    decode_device_alarms,
    decode_grid_alarms,
    encode_document,
)

LOAD, SILENT = "load", "silent"
POINTS = st.sampled_from([LOAD, SILENT])
MOSTLY = st.sampled_from([True, True, False])


@dataclass
class Model:
    """What the table says of one alarm."""

    latching: bool
    episodes: int = 0
    holds: bool = False
    lasts: bool = False
    acknowledged: bool = False
    returned: bool = False
    waits: bool = False
    """It is over, and nobody has acknowledged it."""
    shelved_until: float | None = None
    suppressed: bool = False
    out_of_service: bool = False

    @property
    def state(self) -> AlarmState:
        if not self.lasts:
            return AlarmState.RETURNED_UNACKNOWLEDGED if self.waits else AlarmState.NORMAL
        if self.out_of_service:
            return AlarmState.OUT_OF_SERVICE
        if self.suppressed:
            return AlarmState.SUPPRESSED
        if self.shelved_until is not None:
            return AlarmState.SHELVED
        return AlarmState.ACKNOWLEDGED if self.acknowledged else AlarmState.UNACKNOWLEDGED

    def judge(self, *, holds: bool) -> None:
        if holds == self.holds:
            return
        self.holds = holds
        if holds and self.lasts:
            self.returned = False
        elif holds:
            self.episodes += 1
            self.lasts, self.acknowledged, self.waits = True, False, False
        elif self.latching and self.state is AlarmState.UNACKNOWLEDGED:
            self.returned = True
        elif self.lasts:
            self.end()

    def end(self) -> None:
        self.waits = self.state is AlarmState.UNACKNOWLEDGED
        self.lasts = self.returned = False

    def acknowledge(self) -> None:
        self.waits = False
        if self.lasts:
            self.acknowledged = True
            if self.returned:
                self.end()

    def tell_the_time(self, now: float) -> None:
        if self.shelved_until is not None and now >= self.shelved_until:
            self.shelved_until, self.acknowledged = None, False


class Alarms(RuleBasedStateMachine):
    """Two alarms of a meter, on its load and on its silence, and the gateway it reports through."""

    @initialize(load_latching=st.booleans(), silent_latching=st.booleans())
    def begin(self, *, load_latching: bool, silent_latching: bool) -> None:
        scope = {"grid_id": "village-1", "device_id": METER}
        rest = {"scope": scope, "chattering_delay": False}
        rules = [
            load_rule(LOAD, latching=load_latching, **rest),
            load_rule(
                SILENT, latching=silent_latching, condition={"type": "no_data"}, message="Silent.", **rest
            ),
        ]
        self.world = World(rules, parents={METER: GATEWAY})
        self.models = {LOAD: Model(load_latching), SILENT: Model(silent_latching)}
        self.now = 0.0
        self.gateway_is_down = False
        self.released_at = 0.0
        self.a_load_is_measured(holds=True)
        self.the_meter_falls_silent_or_is_heard(holds=True)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.world.pass_time(self.now)
        for model in self.models.values():
            model.tell_the_time(self.now)
        self.settle()

    def settle(self) -> None:
        self.models[SILENT].suppressed = self.gateway_is_down or self.now < self.released_at

    @rule(seconds=st.sampled_from([1, 30, 61, 100]))
    def time_passes(self, seconds: int) -> None:
        self.pass_time(seconds)

    @rule()
    def a_tick_comes_for_nothing(self) -> None:
        self.world.take(tick(self.now))

    @rule(holds=MOSTLY)
    def a_load_is_measured(self, *, holds: bool) -> None:
        self.pass_time(1)
        self.world.take(load(self.now, HIGH if holds else NORMAL))
        self.models[LOAD].judge(holds=holds)

    @rule(holds=st.booleans())
    def a_late_load_is_measured(self, *, holds: bool) -> None:
        self.pass_time(1)
        self.world.take(load(self.now, NORMAL), load(self.now - 1, HIGH if holds else NORMAL))
        self.models[LOAD].judge(holds=False)

    @rule(holds=MOSTLY)
    def the_meter_falls_silent_or_is_heard(self, *, holds: bool) -> None:
        self.pass_time(1)
        self.world.take(link(self.now, LinkChange.STALE if holds else LinkChange.FRESH))
        self.models[SILENT].judge(holds=holds)

    @rule()
    def the_gateway_goes_or_comes_back(self) -> None:
        self.pass_time(1)
        self.gateway_is_down = not self.gateway_is_down
        change = LinkChange.DISCONNECTED if self.gateway_is_down else LinkChange.CONNECTED
        self.world.take(link(self.now, change, GATEWAY))
        self.released_at = 0.0 if self.gateway_is_down else self.now + 60
        self.settle()

    @rule(point=POINTS)
    def acknowledge(self, point: str) -> None:
        with suppress(ActionRefusedError):
            self.act(Acknowledge(), point)
        self.models[point].acknowledge()

    @rule(point=POINTS, seconds=st.sampled_from([10, 100]))
    def shelve(self, point: str, seconds: int) -> None:
        if self.is_done(Shelve(until=at(self.now + 1 + seconds), reason="Known."), point):
            self.models[point].shelved_until = self.now + seconds

    @rule(point=POINTS)
    def unshelve(self, point: str) -> None:
        if self.is_done(Unshelve(), point):
            self.models[point].shelved_until = None

    @rule(point=POINTS)
    def take_out_of_service(self, point: str) -> None:
        if self.is_done(TakeOutOfService("Broken."), point):
            self.models[point].out_of_service = True

    @rule(point=POINTS)
    def return_to_service(self, point: str) -> None:
        if self.is_done(ReturnToService(), point):
            self.models[point].out_of_service = False

    @rule(point=POINTS)
    def clear(self, point: str) -> None:
        self.pass_time(1)
        model = self.models[point]
        allowed = model.lasts and not model.holds
        assert self.attempt(Clear(), point) == allowed
        if allowed:
            model.acknowledged = True
            model.end()

    def is_done(self, action: Action, point: str) -> bool:
        """What needs an alert that lasts is done to those, and to no others."""
        self.pass_time(1)
        done = self.attempt(action, point)
        assert done == self.models[point].lasts
        return done

    def attempt(self, action: Action, point: str) -> bool:
        try:
            self.world.act(action, self.now, point)
        except ActionRefusedError:
            return False
        return True

    def act(self, action: Action, point: str) -> None:
        self.pass_time(1)
        self.world.act(action, self.now, point)

    def alerts_of(self, rule_id: str) -> list[Alert]:
        return [alert for alert in self.world.alerts.values() if alert.rule_id == rule_id]

    @invariant()
    def every_alarm_stands_as_the_table_says(self) -> None:
        for rule_id, model in self.models.items():
            alerts = self.alerts_of(rule_id)
            assert len(alerts) == model.episodes
            if alerts:
                assert alerts[-1].state is model.state
                assert (alerts[-1].returned_at is not None and model.lasts) == model.returned
            assert all(alert.state is AlarmState.NORMAL for alert in alerts[:-1])

    @invariant()
    def at_most_one_alert_of_an_alarm_lasts(self) -> None:
        for rule_id in self.models:
            assert sum(alert.status is AlertStatus.ACTIVE for alert in self.alerts_of(rule_id)) <= 1

    @invariant()
    def alerts_are_numbered_without_a_hole(self) -> None:
        numbers = [alert.number for alert in self.world.alerts.values()]
        assert numbers == list(range(1, self.world.grid.last_number + 1))

    @invariant()
    def what_was_told_last_is_what_is_recorded(self) -> None:
        last = {event.alert.id: event.alert for event in self.world.events}
        # That the condition of a latching alarm holds again is told to nobody.
        silent = {"returned_at": None}
        for identifier, alert in self.world.alerts.items():
            same = last[identifier] if alert.returned_at else last[identifier].model_copy(update=silent)
            assert same == alert

    @invariant()
    def documents_can_be_stored(self) -> None:
        device, grid = self.world.device(), self.world.grid
        assert decode_device_alarms(encode_document(device)) == device
        assert decode_grid_alarms(encode_document(grid)) == grid

    @invariant()
    def no_timer_is_over(self) -> None:
        assert all(time > at(self.now) for time in self.world.timers.values())


Alarms.TestCase.settings = settings(stateful_step_count=50)
TestAlarms = Alarms.TestCase
