"""What the API needs from outside."""

from collections.abc import Mapping
from dataclasses import dataclass

from microgrid_api.identity.local_users.wiring import LocalUsers
from microgrid_common.ports.alarm_states import AlarmStates
from microgrid_common.ports.alert_records import AlertRecords
from microgrid_common.ports.audit_log import AuditLog
from microgrid_common.ports.command_store import CommandStore
from microgrid_common.ports.device_registry import DeviceRegistry
from microgrid_common.ports.durable_log import DurableLog
from microgrid_common.ports.grid_store import GridStore
from microgrid_common.ports.idempotency_store import IdempotencyStore
from microgrid_common.ports.identity import Identity
from microgrid_common.ports.ledger_store import LedgerStore
from microgrid_common.ports.link_store import LinkStore
from microgrid_common.ports.notification_settings import NotificationSettingsStore
from microgrid_common.ports.push_tokens import PushTokens
from microgrid_common.ports.quarantine import Quarantine
from microgrid_common.ports.rollup_store import RollupStore
from microgrid_common.ports.rule_store import RuleStore
from microgrid_common.ports.telemetry_store import TelemetryStore
from microgrid_common.runtime.health import Ping
from microgrid_common.runtime.quarantine_replay import Replayer


@dataclass(frozen=True, slots=True)
class ApiPorts:
    """What the API needs from outside, whoever provides it."""

    identity: Identity
    log: DurableLog
    """Where live readings and alert events come from."""
    records: AlertRecords
    states: AlarmStates
    """What operators' actions change."""
    rules: RuleStore
    notification_settings: NotificationSettingsStore
    push_tokens: PushTokens
    grids: GridStore
    telemetry: TelemetryStore
    rollups: RollupStore
    """What the readings add up to in five minutes and in hours."""
    quarantine: Quarantine
    replayer: Replayer
    """Puts quarantined messages through again."""
    ledgers: LedgerStore
    devices: DeviceRegistry
    links: LinkStore
    commands: CommandStore
    answers: IdempotencyStore
    """What was answered to writes under a key."""
    audit: AuditLog
    """Who changed what."""
    dependencies: Mapping[str, Ping]
    """What `/readyz` asks, by the name that it shows."""
    local_users: LocalUsers | None = None
    """Who has a password here; None where users are known otherwise."""
