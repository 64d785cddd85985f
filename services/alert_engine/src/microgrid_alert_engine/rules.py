"""Rules: when a reading means an alarm. Pure data and pure judgement."""

import operator
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from microgrid_common.schemas.alert import Severity


class Comparison(StrEnum):
    """How a value stands to a threshold."""

    ABOVE = ">"
    BELOW = "<"


_COMPARE = {Comparison.ABOVE: operator.gt, Comparison.BELOW: operator.lt}


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of one metric."""

    metric: str
    """A canonical name of the metric catalogue."""
    comparison: Comparison
    threshold: float
    """In the metric's canonical unit; a value that equals it does not meet the condition."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An alarm rule: it holds while all of its conditions do."""

    rule_id: str
    """Part of an alert's identity: never reuse one for another meaning."""
    severity: Severity
    message: str
    """What the operator reads; a device that sends the same text means the same alarm."""
    conditions: tuple[Condition, ...]
    """Never empty."""

    def judge(self, metrics: Mapping[str, float]) -> bool | None:
        """Whether the rule holds; None when the reading lacks one of its metrics and says nothing."""
        holds = True
        for condition in self.conditions:
            value = metrics.get(condition.metric)
            if value is None:
                return None
            if holds:
                holds = _COMPARE[condition.comparison](value, condition.threshold)
        return holds


class RuleSet:
    """Rules, arranged so that a reading meets only those that could judge it."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._by_message: dict[str, Rule] = {}
        self._by_first_metric: dict[str, list[Rule]] = defaultdict(list)
        for rule in rules:
            self._by_message[rule.message] = rule
            self._by_first_metric[rule.conditions[0].metric].append(rule)

    def judge(self, metrics: Mapping[str, float]) -> list[tuple[Rule, bool]]:
        """The rules that a reading with these metrics can judge, and whether each holds."""
        judged = []
        for metric in metrics:
            for rule in self._by_first_metric.get(metric, ()):
                holds = rule.judge(metrics)
                if holds is not None:
                    judged.append((rule, holds))
        return judged

    def with_message(self, message: str) -> Rule | None:
        """The rule of that message; None when there is none."""
        return self._by_message.get(message)


PROTOTYPE_RULES = (
    Rule(
        rule_id="load-abnormality",
        severity=Severity.WARNING,
        message="Load Abnormality: Unusual load increase detected.",
        conditions=(Condition("consumption_kw", Comparison.ABOVE, 14.0),),
    ),
    Rule(
        rule_id="equipment-temperature-high",
        # Heat destroys equipment and can start a fire: nothing else here is as urgent.
        severity=Severity.CRITICAL,
        message="Predictive alert: high temperature on equipment.",
        conditions=(Condition("equipment_temperature_c", Comparison.ABOVE, 60.0),),
    ),
    Rule(
        rule_id="solar-output-low",
        severity=Severity.WARNING,
        message="Renewable Performance Issue: Solar output is low.",
        conditions=(
            Condition("generation_kw", Comparison.BELOW, 7.0),
            Condition("irradiance_w_m2", Comparison.ABOVE, 50.0),
        ),
    ),
)
"""The three rules of the prototype, with its exact thresholds and messages."""
