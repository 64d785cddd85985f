"""The conditions of rules, made ready to be judged: each becomes functions of a reading's metrics.

What can be said of one reading alone becomes an expression, and is checked and compiled as such; what looks
at a change becomes a function of two samples; what looks at silence becomes what a timer has to watch.
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn

from microgrid_common.schemas.alarm_rule import (
    MAXIMUM_RULES,
    AlarmRule,
    BandCondition,
    Comparison,
    Direction,
    DisconnectedCondition,
    ExpressionCondition,
    MetricComparisonCondition,
    NoDataCondition,
    RateOfChangeCondition,
    StatusChangeCondition,
    ThresholdCondition,
)
from microgrid_common.transforms.alarms.documents import Sample
from microgrid_common.transforms.alarms.expression import (
    Expression,
    ExpressionError,
    Judgement,
    compile_judgement,
    parse_expression,
)

ChangeJudgement = Callable[[Sample | None, Sample, bool], bool | None]
"""The sample before, the one now, whether the condition held → whether it holds; None: nothing is said."""


class RuleFailedError(Exception):
    """A rule failed while it was evaluated, such as by a division by zero: take it out of force."""

    def __init__(self, rule_id: str, version: int, reason: str) -> None:
        super().__init__(f"rule {rule_id}, version {version}: {reason}")
        self.rule_id = rule_id
        self.version = version
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SilenceWatch:
    """What a rule on silence watches."""

    disconnected: bool
    """The link to the broker, and nothing else."""
    metric: str | None = None
    """The metric that must not fall silent; None: the device."""
    after_seconds: float | None = None
    """None: whenever the device counts as stale while it is connected."""


@dataclass(frozen=True, slots=True, eq=False)
class CompiledRule:
    """A rule, ready to be judged."""

    rule: AlarmRule
    metrics: frozenset[str]
    """All of them must be in a reading for it to be judged; empty for rules on silence."""
    enters: Judgement
    """Whether the condition holds, when it did not hold before. Raises a `RuleFailedError`."""
    stays: Judgement
    """Whether the condition holds, when it held before: the deadband. Raises a `RuleFailedError`."""
    enters_node: ast.expr | None
    """What `enters` was made of, to be compiled together with other rules; None with `change_of`."""
    change_of: str | None
    """The metric whose sample before is needed; then `judge_change` judges, not `enters` and `stays`."""
    judge_change: ChangeJudgement
    silence_of: SilenceWatch | None
    """What a rule on silence watches; None for a rule on readings."""


def compile_rule(rule: AlarmRule) -> CompiledRule:
    """Make a rule ready.

    Raises:
        RuleFailedError: its expression would have been refused; it was stored by something that does not
            check, or that knows more.
    """
    condition = rule.condition
    match condition:
        case NoDataCondition():
            watch = SilenceWatch(
                disconnected=False, metric=condition.metric, after_seconds=condition.after_seconds
            )
            return _on_silence(rule, watch)
        case DisconnectedCondition():
            return _on_silence(rule, SilenceWatch(disconnected=True))
        case RateOfChangeCondition():
            return _on_change(rule, condition.metric, _rate_judgement(condition))
        case StatusChangeCondition():
            return _on_change(rule, condition.metric, _status_judgement(condition))
        case _:
            return _on_reading(rule, *_as_expressions(condition))


def _as_expressions(
    condition: ThresholdCondition | BandCondition | MetricComparisonCondition | ExpressionCondition,
) -> tuple[str, str]:
    """When it begins to hold, and when it goes on holding."""
    match condition:
        case ThresholdCondition(metric=metric, comparison=comparison, threshold=threshold):
            comes_back = threshold - _sign(comparison) * condition.hysteresis
            return f"{metric} {comparison} {threshold!r}", f"{metric} {comparison} {comes_back!r}"
        case BandCondition(metric=metric, low=low, high=high, hysteresis=deadband):
            return (
                f"{metric} < {low!r} or {metric} > {high!r}",
                f"{metric} < {low + deadband!r} or {metric} > {high - deadband!r}",
            )
        case MetricComparisonCondition(metric=metric, comparison=comparison, offset=offset):
            other = f"{condition.factor!r} * {condition.other_metric}"
            comes_back = offset - _sign(comparison) * condition.hysteresis
            return (
                f"{metric} {comparison} {other} + {offset!r}",
                f"{metric} {comparison} {other} + {comes_back!r}",
            )
        case ExpressionCondition(expression=expression):
            return expression, expression


def _sign(comparison: Comparison) -> int:
    return 1 if comparison in {Comparison.ABOVE, Comparison.AT_LEAST} else -1


def _on_reading(rule: AlarmRule, entering: str, staying: str) -> CompiledRule:
    try:
        enters, judge_entering = _compiled(entering)
        _, judge_staying = _compiled(staying)
    except ExpressionError as error:
        raise RuleFailedError(rule.rule_id, rule.version, str(error)) from None
    return CompiledRule(
        rule=rule,
        metrics=enters.metrics,
        enters=_named_when_it_fails(rule, enters.node, judge_entering),
        stays=_named_when_it_fails(rule, enters.node, judge_staying),
        enters_node=enters.node,
        change_of=None,
        judge_change=_says_nothing,
        silence_of=None,
    )


# Plans are made anew whenever one rule changes, and most rules are the same as before.
@lru_cache(maxsize=4 * MAXIMUM_RULES)
def _compiled(text: str) -> tuple[Expression, Judgement]:
    expression = parse_expression(text)
    return expression, compile_judgement(expression.node)


def _named_when_it_fails(rule: AlarmRule, node: ast.expr, judge: Judgement) -> Judgement:
    if not any(isinstance(part, ast.Div) for part in ast.walk(node)):
        # Nothing else in an expression can fail.
        return judge

    def judge_what_may_fail(metrics: Mapping[str, float]) -> bool:
        try:
            return judge(metrics)
        except ArithmeticError as error:
            raise RuleFailedError(rule.rule_id, rule.version, str(error)) from None

    return judge_what_may_fail


def _on_change(rule: AlarmRule, metric: str, judge_change: ChangeJudgement) -> CompiledRule:
    return CompiledRule(
        rule=rule,
        metrics=frozenset({metric}),
        enters=_not_by_a_reading_alone,
        stays=_not_by_a_reading_alone,
        enters_node=None,
        change_of=metric,
        judge_change=judge_change,
        silence_of=None,
    )


def _on_silence(rule: AlarmRule, watch: SilenceWatch) -> CompiledRule:
    return CompiledRule(
        rule=rule,
        metrics=frozenset(),
        enters=_not_by_a_reading_alone,
        stays=_not_by_a_reading_alone,
        enters_node=None,
        change_of=None,
        judge_change=_says_nothing,
        silence_of=watch,
    )


def _not_by_a_reading_alone(_metrics: Mapping[str, float]) -> NoReturn:
    raise TypeError("a rule on changes or on silence is not judged by one reading")


def _says_nothing(_previous: Sample | None, _now: Sample, _holds: bool) -> None:  # noqa: FBT001
    return None


def _rate_judgement(condition: RateOfChangeCondition) -> ChangeJudgement:
    largest, direction, longest_gap = condition.per_minute, condition.direction, condition.longest_gap_seconds

    def judge(previous: Sample | None, now: Sample, _holds: bool) -> bool | None:  # noqa: FBT001
        if previous is None:
            return None
        gap = (now.at - previous.at).total_seconds()
        if not 0 < gap <= longest_gap:
            return None
        per_minute = (now.value - previous.value) / gap * 60
        if direction is Direction.EITHER:
            return abs(per_minute) > largest
        return (per_minute if direction is Direction.RISING else -per_minute) > largest

    return judge


def _status_judgement(condition: StatusChangeCondition) -> ChangeJudgement:
    wanted = condition.to

    def judge(previous: Sample | None, now: Sample, holds: bool) -> bool:  # noqa: FBT001
        if now.value != wanted:
            return False
        return holds or (previous is not None and previous.value != wanted)

    return judge
