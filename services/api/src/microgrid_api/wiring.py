"""Puts the API together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from microgrid_api.identity.choice import open_identity
from microgrid_api.identity.remembered_revocations import RememberedRevocations
from microgrid_api.identity.wiring import local_users_of
from microgrid_api.ports import ApiPorts
from microgrid_api.settings import ApiSettings
from microgrid_common.adapters.redis.alarm_states import RedisAlarmStates
from microgrid_common.adapters.redis.alert_records import RedisAlertRecords
from microgrid_common.adapters.redis.audit_log import RedisAuditLog
from microgrid_common.adapters.redis.command_store import RedisCommandStore
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.device_registry import RedisDeviceRegistry
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.adapters.redis.grid_store import RedisGridStore
from microgrid_common.adapters.redis.idempotency_store import RedisIdempotencyStore
from microgrid_common.adapters.redis.ledger_store import RedisLedgerStore
from microgrid_common.adapters.redis.link_store import RedisLinkStore
from microgrid_common.adapters.redis.login_attempts import RedisLoginAttempts
from microgrid_common.adapters.redis.login_store import RedisLoginStore
from microgrid_common.adapters.redis.notification_settings import RedisNotificationSettings
from microgrid_common.adapters.redis.push_tokens import RedisPushTokens
from microgrid_common.adapters.redis.quarantine import RedisQuarantine
from microgrid_common.adapters.redis.revocations import RedisRevocations
from microgrid_common.adapters.redis.rule_store import RedisRuleStore
from microgrid_common.adapters.redis.user_store import RedisUserStore
from microgrid_common.adapters.telemetry_stores import open_rollup_store, open_telemetry_store
from microgrid_common.runtime.quarantine_replay import Replayer


@asynccontextmanager
async def build(settings: ApiSettings) -> AsyncIterator[ApiPorts]:
    """The API's ports; they connect by themselves, and wait for what is not there yet."""
    async with AsyncExitStack() as stack:
        client = make_client(settings.redis_url)
        stack.push_async_callback(client.aclose)
        telemetry = await stack.enter_async_context(open_telemetry_store(settings, only_reads=True))
        rollups = await stack.enter_async_context(open_rollup_store(settings))
        log = RedisDurableLog(client)
        quarantine = RedisQuarantine(client)
        devices = RedisDeviceRegistry(client)
        push_tokens = RedisPushTokens(client)
        revocations = RememberedRevocations(RedisRevocations(client))
        local = local_users_of(
            settings,
            users=RedisUserStore(client),
            logins=RedisLoginStore(client),
            attempts=RedisLoginAttempts(client),
            revocations=revocations,
            push_tokens=push_tokens,
        )
        identity = await stack.enter_async_context(open_identity(settings, local, revocations))
        yield ApiPorts(
            identity=identity,
            local_users=local,
            log=log,
            records=RedisAlertRecords(client),
            states=RedisAlarmStates(client),
            rules=RedisRuleStore(client),
            notification_settings=RedisNotificationSettings(client),
            push_tokens=push_tokens,
            grids=RedisGridStore(client, time_zone=settings.time_zone),
            telemetry=telemetry,
            rollups=rollups,
            quarantine=quarantine,
            replayer=Replayer(quarantine, devices=devices, shards=settings.stream_shards),
            ledgers=RedisLedgerStore(client),
            devices=devices,
            links=RedisLinkStore(client),
            commands=RedisCommandStore(client),
            answers=RedisIdempotencyStore(client),
            audit=RedisAuditLog(client),
            dependencies={"redis": log.ping, "telemetry_store": telemetry.ping},
        )
