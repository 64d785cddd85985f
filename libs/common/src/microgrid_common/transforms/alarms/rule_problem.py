"""What is wrong with a rule."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """One reason to refuse a rule."""

    field: str
    """The path of the field, such as `condition.expression`."""
    reason: str
