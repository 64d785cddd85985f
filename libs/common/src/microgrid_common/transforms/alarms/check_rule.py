"""What is wrong with a rule that no single field shows: the rule store holds only what passes here."""

from collections.abc import Iterator

from microgrid_common.schemas.alarm_rule import (
    AlarmRuleDraft,
    BandCondition,
    Comparison,
    DisconnectedCondition,
    ExpressionCondition,
    NoDataCondition,
    StatusChangeCondition,
    ThresholdCondition,
)
from microgrid_common.schemas.catalogue import BY_NAME
from microgrid_common.transforms.alarms.expression import ExpressionError, parse_expression
from microgrid_common.transforms.alarms.message import MessageError, check_message
from microgrid_common.transforms.alarms.rule_problem import RuleProblem


def check_rule(draft: AlarmRuleDraft) -> list[RuleProblem]:
    """Everything that speaks against a rule; empty when it may be stored."""
    return [*_text_problems(draft), *_condition_problems(draft)]


def _text_problems(draft: AlarmRuleDraft) -> Iterator[RuleProblem]:
    if not draft.name.isprintable():
        yield RuleProblem("name", "it has line breaks or other control characters")
    on_silence = isinstance(draft.condition, NoDataCondition | DisconnectedCondition)
    try:
        check_message(draft.message, has_reading=not on_silence)
    except MessageError as error:
        yield RuleProblem("message", str(error))


def _condition_problems(draft: AlarmRuleDraft) -> Iterator[RuleProblem]:
    match draft.condition:
        case ThresholdCondition() as condition:
            yield from _threshold_problems(condition)
        case BandCondition(metric=metric, low=low, high=high):
            yield from _range_problems(metric, "condition.low", low)
            yield from _range_problems(metric, "condition.high", high)
        case StatusChangeCondition(metric=metric) if BY_NAME[metric].unit:
            yield RuleProblem("condition.metric", f"{metric} is no state that is 0 or 1")
        case ExpressionCondition(expression=expression):
            try:
                parse_expression(expression)
            except ExpressionError as error:
                yield RuleProblem("condition.expression", str(error))


def _threshold_problems(condition: ThresholdCondition) -> Iterator[RuleProblem]:
    problems = list(_range_problems(condition.metric, "condition.threshold", condition.threshold))
    yield from problems
    if condition.hysteresis and not problems:
        above = condition.comparison in {Comparison.ABOVE, Comparison.AT_LEAST}
        comes_back = condition.threshold + (-condition.hysteresis if above else condition.hysteresis)
        for problem in _range_problems(condition.metric, "condition.hysteresis", comes_back):
            yield RuleProblem(problem.field, f"the alarm would never end: {problem.reason}")


def _range_problems(metric: str, field: str, value: float) -> Iterator[RuleProblem]:
    known = BY_NAME[metric]
    if not known.minimum <= value <= known.maximum:
        bounds = f"{known.minimum:g} to {known.maximum:g} {known.unit}".rstrip()
        yield RuleProblem(field, f"{value:g} is outside of what {metric} can be: {bounds}")
