"""The index of alert records: where in it a record stands, and which part of it answers a query.

All of a grid's index is one sorted set without scores, whose order is that of its texts. Each record is in it
four times, as `{group} {device} {rule} {position}`: with its device and its rule, with either, with neither.
A group is a letter for the state and one for the severity. So every query is a few ranges, however many
records there are, and a script that moves a record needs no other key.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, cast
from urllib.parse import quote

from microgrid_common.ports.alert_records import AlertQuery, position_of, positions_from
from microgrid_common.schemas.alert import Alert, AlertStatus, Severity

ANNUNCIATED_GRIDS_KEY: Final = "alarm:annunciated"
PUT_ASIDE_GRIDS_KEY: Final = "alarm:put_aside"
OVER_KEY: Final = "alarm:over"

_SEVERITIES: Final = {Severity.INFO: "i", Severity.WARNING: "w", Severity.CRITICAL: "c"}
_ANNUNCIATED: Final = "a"
_PUT_ASIDE: Final = "p"
_RESOLVED: Final = "r"
_STATES_OF: Final = {
    None: {_ANNUNCIATED, _PUT_ASIDE, _RESOLVED},
    AlertStatus.ACTIVE: {_ANNUNCIATED, _PUT_ASIDE},
    AlertStatus.RESOLVED: {_RESOLVED},
}
_AFTER_ALL_POSITIONS: Final = ":"
"""Comes after every digit."""

PLACES: Final = """
local function places(record)
    local group, device, rule, position = string.match(record, '^(%S*) (%S*) (%S*) (%S*)')
    return group .. '   ' .. position,
        group .. ' ' .. device .. '  ' .. position,
        group .. '  ' .. rule .. ' ' .. position,
        group .. ' ' .. device .. ' ' .. rule .. ' ' .. position
end
"""
"""Lua: the four members of the index for a record as it is stored."""


def records_key(grid_id: str) -> str:
    """The key of a grid's records."""
    return f"alarm:records:{grid_id}"


def index_key(grid_id: str) -> str:
    """The key of the index of a grid's records."""
    return f"alarm:index:{grid_id}"


def encode_record(alert: Alert) -> str:
    """A record as it is stored: group, device, rule, position, and the alert in JSON."""
    group = _state_of(alert) + _SEVERITIES[alert.severity]
    place = f"{group} {alert.device_id} {_rule(alert.rule_id)} {position_of(alert)}"
    return f"{place} {alert.model_dump_json(exclude_defaults=True)}"


def decode_record(stored: bytes) -> Alert:
    """The inverse of `encode_record`."""
    return Alert.model_validate_json(stored.split(b" ", 4)[4])


def ranges_of(query: AlertQuery) -> Iterator[tuple[str, str]]:
    """The ranges of the index that hold what a query wants from its cursor on: each its end and its start."""
    above = [bound for bound in (query.cursor, _first_position(query.end)) if bound is not None]
    high = min(above, default=_AFTER_ALL_POSITIONS)
    low = _first_position(query.start) or ""
    states = _STATES_OF[query.status]
    if query.annunciated is not None:
        states = states & {_ANNUNCIATED} if query.annunciated else states - {_ANNUNCIATED}
    severities = _SEVERITIES.values() if query.severity is None else [_SEVERITIES[query.severity]]
    rule = "" if query.rule_id is None else _rule(query.rule_id)
    for state in sorted(states):
        for severity in severities:
            prefix = f"{state}{severity} {query.device_id or ''} {rule} "
            yield f"({prefix}{high}", f"[{prefix}{low}"


def positions_in(members: Sequence[object]) -> Iterator[str]:
    """The positions of members of the index."""
    for member in cast("Sequence[bytes]", members):
        yield member.rpartition(b" ")[2].decode()


def _state_of(alert: Alert) -> str:
    if alert.status is AlertStatus.RESOLVED:
        return _RESOLVED
    return _ANNUNCIATED if alert.annunciated else _PUT_ASIDE


def _rule(rule_id: str) -> str:
    # It may hold any character; in the index a blank separates.
    return quote(rule_id, safe=":")


def _first_position(time: datetime | None) -> str | None:
    return None if time is None else positions_from(time)
