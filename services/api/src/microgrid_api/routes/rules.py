"""Alarm rules: what is judged, and what the operator is told; for administrators to change."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Response
from fastapi.exceptions import RequestValidationError

from microgrid_api.alarms.rule_views import ChangedRule, NewRule, RuleView
from microgrid_api.context import ApiContext, Context
from microgrid_api.identity.access import FORBIDDEN, NO_SUCH_GRID, SignedIn, Somewhere, require
from microgrid_api.identity.auditing import Audit
from microgrid_api.identity.permissions import Permission, sees
from microgrid_api.web.body_limit import BODY_REFUSED
from microgrid_api.web.entity_tags import IfMatch, check_version, expected_version, tag
from microgrid_api.web.errors import InvalidRequest, Problem, asking
from microgrid_common.ports.identity import Caller
from microgrid_common.ports.rule_store import VersionConflictError
from microgrid_common.schemas.alarm_rule import MAXIMUM_RULES, RULE_ID_PATTERN, AlarmRule, AlarmRuleDraft
from microgrid_common.schemas.user import EVERY_GRID
from microgrid_common.transforms.alarms.check_rule import check_rule

router = APIRouter(
    prefix="/api/rules",
    tags=["rules"],
    dependencies=[Depends(Somewhere(Permission.VIEW))],
    responses={
        401: {"model": Problem, "description": "The token is missing or not valid."},
        **FORBIDDEN,
        422: {"model": InvalidRequest, "description": "It says what is allowed."},
        503: {"model": Problem, "description": "The store is away; see `Retry-After`."},
    },
)

_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "There is no such rule."}
}
_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": Problem, "description": "Somebody has changed the rule meanwhile: look at it again."}
}

_RuleId = Annotated[str, Path(pattern=RULE_ID_PATTERN, examples=["battery-low"])]


@router.get("", summary="All rules")
async def list_rules(context: Context, who: SignedIn) -> list[RuleView]:
    """Every rule of the grids that you see, in the order of their ids, those that are not in force too."""
    async with asking("rule store"):
        book = await context.ports.rules.book()
    return RuleView.of_all([rule for rule in book.rules if _sees(who, rule)])


@router.get("/{rule_id}", summary="One rule", responses=_NOT_FOUND)
async def show(context: Context, who: SignedIn, rule_id: _RuleId, response: Response) -> RuleView:
    """A rule as it is, with its version as `ETag`."""
    async with asking("rule store"):
        rule = await _get(context, who, rule_id)
    return _tagged(rule, response)


@router.get("/{rule_id}/versions", summary="What a rule was", responses=_NOT_FOUND)
async def versions(context: Context, who: SignedIn, rule_id: _RuleId) -> list[RuleView]:
    """All versions that a rule has had, the newest first; those of a deleted rule too."""
    async with asking("rule store"):
        found = await context.ports.rules.versions(rule_id)
    found = [rule for rule in found if _sees(who, rule)]
    if not found:
        raise _not_found()
    return RuleView.of_all(found)


@router.post(
    "",
    summary="Make a rule",
    status_code=HTTPStatus.CREATED,
    responses={
        **BODY_REFUSED,
        **NO_SUCH_GRID,
        409: {"model": Problem, "description": "There is a rule of this id, or no room for one."},
    },
)
async def create(context: Context, who: SignedIn, audit: Audit, new: NewRule, response: Response) -> RuleView:
    """Make a rule. Readings are judged by it from the next seconds on."""
    _check_edits(who, new)
    draft = _checked(new)
    try:
        async with (
            audit.change("rule.create", new.rule_id, grid_id=new.scope.grid_id) as change,
            asking("rule store"),
        ):
            await _check_room(context)
            change.after = rule = await context.ports.rules.put(draft, expected_version=None)
    except VersionConflictError:
        raise HTTPException(HTTPStatus.CONFLICT, "There is a rule of this id already.") from None
    response.headers["Location"] = f"/api/rules/{rule.rule_id}"
    return _tagged(rule, response)


@router.put(
    "/{rule_id}",
    summary="Change a rule",
    responses={**BODY_REFUSED, **_NOT_FOUND, **_CONFLICT},
)
async def change(
    context: Context,
    who: SignedIn,
    audit: Audit,
    rule_id: _RuleId,
    changed: ChangedRule,
    *,
    response: Response,
    if_match: IfMatch = None,
) -> RuleView:
    """Replace a rule by its next version, in force from the next seconds on.

    The version that is replaced is said by `If-Match` or in the body. An alarm that lasts and that the new
    version does not raise ends.
    """
    if changed.rule_id != rule_id:
        problem = {"loc": ("body", "rule_id"), "msg": "The same as in the address", "type": "other_rule"}
        raise RequestValidationError([problem])
    version = expected_version(if_match, changed.version, ("body", "version"))
    _check_edits(who, changed)
    draft = _checked(changed)
    try:
        async with (
            audit.change("rule.change", rule_id, grid_id=draft.scope.grid_id) as on_record,
            asking("rule store"),
        ):
            on_record.before = await _to_edit(context, who, rule_id, version)
            on_record.after = rule = await context.ports.rules.put(draft, expected_version=version)
    except VersionConflictError:
        raise _conflict() from None
    return _tagged(rule, response)


@router.delete(
    "/{rule_id}",
    summary="Delete a rule",
    responses={**_NOT_FOUND, **_CONFLICT},
)
async def delete(
    context: Context,
    who: SignedIn,
    audit: Audit,
    rule_id: _RuleId,
    *,
    version: Annotated[int | None, Query(ge=1, description="The version that is meant.")] = None,
    if_match: IfMatch = None,
) -> RuleView:
    """Delete a rule; returns what it was. Its alarms end, and its versions stay to be looked at."""
    expected = expected_version(if_match, version, ("query", "version"))
    try:
        async with asking("rule store"):
            rule = await _to_edit(context, who, rule_id, expected)
        async with (
            audit.change("rule.delete", rule_id, grid_id=rule.scope.grid_id) as on_record,
            asking("rule store"),
        ):
            on_record.before = rule
            if not await context.ports.rules.remove(rule_id, expected_version=expected):
                raise _not_found()
    except VersionConflictError:
        raise _conflict() from None
    return RuleView.of(rule)


async def _get(context: ApiContext, who: Caller, rule_id: str) -> AlarmRule:
    book = await context.ports.rules.book()
    for rule in book.rules:
        if rule.rule_id == rule_id and _sees(who, rule):
            return rule
    raise _not_found()


async def _to_edit(context: ApiContext, who: Caller, rule_id: str, version: int) -> AlarmRule:
    rule = await _get(context, who, rule_id)
    _check_edits(who, rule)
    check_version(rule.version, version)
    return rule


def _sees(who: Caller, rule: AlarmRule) -> bool:
    # One without a grid concerns those who see any.
    return rule.scope.grid_id is None or sees(who, rule.scope.grid_id)


def _check_edits(who: Caller, rule: AlarmRuleDraft) -> None:
    require(who, Permission.EDIT_RULES, rule.scope.grid_id or EVERY_GRID)


async def _check_room(context: ApiContext) -> None:
    if len((await context.ports.rules.book()).rules) >= MAXIMUM_RULES:
        raise HTTPException(HTTPStatus.CONFLICT, f"There can be no more than {MAXIMUM_RULES} rules.")


def _checked(draft: AlarmRuleDraft) -> AlarmRuleDraft:
    problems = [
        {"loc": ("body", *found.field.split(".")), "msg": found.reason, "type": "rule_refused"}
        for found in check_rule(draft)
    ]
    if problems:
        raise RequestValidationError(problems)
    return draft


def _tagged(rule: AlarmRule, response: Response) -> RuleView:
    tag(response, rule.version)
    return RuleView.of(rule)


def _not_found() -> HTTPException:
    return HTTPException(HTTPStatus.NOT_FOUND, "There is no such rule.")


def _conflict() -> HTTPException:
    return HTTPException(HTTPStatus.CONFLICT, "Somebody has changed the rule meanwhile: look at it again.")
