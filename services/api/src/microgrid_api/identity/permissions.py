"""What each role may do: the one table that the checks and docs/identity.md are made from."""

from enum import StrEnum
from typing import Final

from microgrid_common.ports.identity import Caller
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID
from microgrid_common.schemas.user import EVERY_GRID, Role


class Permission(StrEnum):
    """Something that not everybody may do."""

    VIEW = "view"
    HANDLE_ALARMS = "handle_alarms"
    TAKE_OUT_OF_SERVICE = "take_out_of_service"
    COMMAND_DEVICES = "command_devices"
    PLAN_MAINTENANCE = "plan_maintenance"
    TRY_RULES = "try_rules"
    REGISTER_DEVICES = "register_devices"
    EDIT_RULES = "edit_rules"
    HANDLE_QUARANTINE = "handle_quarantine"
    EDIT_GRID = "edit_grid"
    READ_AUDIT_LOG = "read_audit_log"
    EDIT_NOTIFICATIONS = "edit_notifications"
    MANAGE_USERS = "manage_users"


LEAST_ROLE: Final = {
    Permission.VIEW: Role.VIEWER,
    Permission.HANDLE_ALARMS: Role.COMMUNITY_OPERATOR,
    Permission.TAKE_OUT_OF_SERVICE: Role.TECHNICIAN,
    Permission.COMMAND_DEVICES: Role.TECHNICIAN,
    Permission.PLAN_MAINTENANCE: Role.TECHNICIAN,
    Permission.TRY_RULES: Role.TECHNICIAN,
    Permission.REGISTER_DEVICES: Role.ADMIN,
    Permission.EDIT_RULES: Role.ADMIN,
    Permission.HANDLE_QUARANTINE: Role.ADMIN,
    Permission.EDIT_GRID: Role.ADMIN,
    Permission.READ_AUDIT_LOG: Role.ADMIN,
    Permission.EDIT_NOTIFICATIONS: Role.ADMIN,
    Permission.MANAGE_USERS: Role.ADMIN,
}
"""The first role that has a permission; those above it have it too."""

DESCRIPTIONS: Final = {
    Permission.VIEW: "see readings, history, devices, alarms, rules and reports",
    Permission.HANDLE_ALARMS: "acknowledge, note, assign, clear, shelve and unshelve alarms",
    Permission.TAKE_OUT_OF_SERVICE: "take alarms out of service, and put them back",
    Permission.COMMAND_DEVICES: "send commands to devices",
    Permission.PLAN_MAINTENANCE: "plan and end maintenance windows",
    Permission.TRY_RULES: "try a rule on stored readings",
    Permission.REGISTER_DEVICES: "register devices, and take them out of the registry",
    Permission.EDIT_RULES: "make, change and delete alarm rules",
    Permission.HANDLE_QUARANTINE: "see, replay and discard messages that were refused",
    Permission.EDIT_GRID: "change a grid's name, time zone and tariff",
    Permission.READ_AUDIT_LOG: "read who changed what",
    Permission.EDIT_NOTIFICATIONS: "change whom alarms are told; in every grid",
    Permission.MANAGE_USERS: "make, change and remove users; in every grid",
}


def sees(caller: Caller, grid_id: str) -> bool:
    """Whether a grid exists for somebody; to others it is as if it did not."""
    # What the platform says about itself concerns the operators of all grids.
    return bool(caller.grants) if grid_id == PLATFORM_GRID_ID else caller.role_in(grid_id) is not None


def may(caller: Caller, permission: Permission, grid_id: str) -> bool:
    """Whether somebody may do something in a grid; with `EVERY_GRID`: also for what belongs to none."""
    if grid_id == PLATFORM_GRID_ID:
        return sees(caller, grid_id) if permission is Permission.VIEW else _everywhere(caller, permission)
    return caller.has(LEAST_ROLE[permission], grid_id)


def may_somewhere(caller: Caller, permission: Permission) -> bool:
    """Whether there can be a grid in which somebody may do something."""
    return any(role.includes(LEAST_ROLE[permission]) for role in caller.grants.values())


def _everywhere(caller: Caller, permission: Permission) -> bool:
    return caller.has(LEAST_ROLE[permission], EVERY_GRID)
