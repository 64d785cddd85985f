"""The rules that failed in a grid: out of force there from that reading on, whenever the rest hears of it."""

from microgrid_common.transforms.alarms.conditions import RuleFailedError
from microgrid_common.transforms.alarms.documents import FailedRule, GridAlarms
from microgrid_common.transforms.alarms.rule_plan import RulePlan


def failures_in(grid: GridAlarms, plan: RulePlan) -> dict[str, RuleFailedError]:
    """The rules of a plan that have failed in a grid, by id; another version of one has not."""
    return {
        rule_id: RuleFailedError(rule_id, failed.version, failed.reason)
        for rule_id, failed in grid.failed.items()
        if plan.versions.get(rule_id) == failed.version
    }


def keep_failure(grid: GridAlarms, plan: RulePlan, failure: RuleFailedError) -> None:
    """Remember that a rule of a plan failed, and forget those that are not in force any more."""
    grid.failed = {
        rule_id: failed
        for rule_id, failed in grid.failed.items()
        if plan.versions.get(rule_id) == failed.version
    }
    grid.failed[failure.rule_id] = FailedRule(failure.version, failure.reason)
