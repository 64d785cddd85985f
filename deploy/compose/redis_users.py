"""Who may do what in Redis: one user for each service, with its keys and its commands."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

_CONNECTING = ("auth", "ping", "hello", "client|setinfo", "client|setname", "multi", "exec", "discard")
_SCRIPTS = ("evalsha", "script|load", "script|exists", "time")
_READING = [
    "exists",
    "get",
    "hexists",
    "hget",
    "hgetall",
    "hkeys",
    "hlen",
    "hmget",
    "hvals",
    "mget",
    "pexpiretime",
    "smembers",
    "xinfo|groups",
    "xinfo|stream",
    "xlen",
    "xpending",
    "xrange",
    "xread",
    "xrevrange",
    "zcard",
    "zlexcount",
    "zrange",
    "zrangebylex",
    "zrangebyscore",
    "zrevrangebylex",
    "zscore",
]
_WRITING = [
    "del",
    "expire",
    "hdel",
    "hincrby",
    "hset",
    "incr",
    "incrby",
    "pexpire",
    "pexpireat",
    "sadd",
    "set",
    "srem",
    "xadd",
    "xdel",
    "zadd",
    "zrem",
    "zremrangebyrank",
    "zremrangebyscore",
]
_CONSUMING = ("xreadgroup", "xack", "xautoclaim", "xgroup|create")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisUser:
    """What a service may do."""

    changes: tuple[str, ...]
    """Patterns of keys that it reads and writes."""
    reads: tuple[str, ...] = ()
    """Patterns of keys that it only reads."""
    commands: tuple[str, ...] = ()
    """Beside reading and writing."""

    def rules(self) -> list[str]:
        """The rules of the ACL, without a password."""
        commands = (*_CONNECTING, *_SCRIPTS, *_READING, *_WRITING, *self.commands)
        return [
            "resetkeys",
            "resetchannels",
            "-@all",
            *(f"+{command}" for command in commands),
            *(f"~{pattern}" for pattern in self.changes),
            *(f"%R~{pattern}" for pattern in self.reads),
        ]


ADMIN = "admin"
"""Who may do all, for people alone: such as ACL LOG, or CONFIG SET maxmemory."""

USERS: Mapping[str, RedisUser] = {
    "ingestor": RedisUser(
        changes=(
            *("readings:*", "append:*", "quarantine", "quarantine:*", "{historian}:*", "{ledger}:*"),
            *("ledger:*", "link:*", "rollup:*", "device:*", "commands", "command:*", "alerts", "alarm:*"),
        ),
        reads=("grid:described",),
        commands=(*_CONSUMING, "xtrim", "info"),
    ),
    "alert-engine": RedisUser(
        changes=(
            "readings:*",
            "append:*",
            "alerts",
            "alarm:*",
            "rule:*",
            "{alert_engine}:*",
            "{announcer}:*",
        ),
        reads=("device:*",),
        commands=_CONSUMING,
    ),
    "notifier": RedisUser(
        changes=("alerts", "notify:*", "push:*", "{notifier}:*"),
        reads=("alarm:*",),
        commands=_CONSUMING,
    ),
    "api": RedisUser(
        changes=(
            *("alerts", "alarm:*", "rule:*", "notify:settings", "push:*", "quarantine", "quarantine:*"),
            *(
                "device:*",
                "grid:described",
                "commands",
                "command:*",
                "user:all",
                "login:*",
                "audit",
                "audit:*",
            ),
            "idempotency:*",
        ),
        reads=("readings:*", "ledger:*", "link:*"),
    ),
}


def acl_file(passwords: Mapping[str, str]) -> str:
    """The content of Redis' ACL file; passwords are in it as hashes."""
    lines = [
        f"user {name} on #{sha256(passwords[name].encode()).hexdigest()} {' '.join(user.rules())}"
        for name, user in USERS.items()
    ]
    lines.append(f"user {ADMIN} on #{sha256(passwords[ADMIN].encode()).hexdigest()} ~* &* +@all")
    lines += [
        # Nobody gets in without a name. Redis itself acts as this user when it reads its log after a restart:
        # with fewer rights it leaves out every transaction in it, and says so nowhere but in ACL LOG.
        "user default off resetpass ~* &* +@all",
        "user health on nopass resetkeys resetchannels -@all +ping",
    ]
    return "".join(f"{line}\n" for line in lines)
