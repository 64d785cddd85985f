"""The rules that a new system starts with, read from a file: the shipped one or the operator's own."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from microgrid_common.schemas.alarm_rule import MAXIMUM_RULES, AlarmRuleDraft
from microgrid_common.transforms.alarms.check_rule import check_rule

SHIPPED_RULES: Final = files("microgrid_alert_engine") / "default_rules.json"
"""The rules that are used unless another file is named."""

_LARGEST_FILE: Final = 4_000_000
"""Bytes: several times what `MAXIMUM_RULES` rules take."""
_SHOWN_PROBLEMS: Final = 10
"""Of a file with more, the rest is only counted."""
_SHOWN_CHARACTERS: Final = 64
"""The longest rule id; what stands in its place can be of any length."""


@dataclass(frozen=True, slots=True)
class RulesFileProblem:
    """One thing that is wrong with a rules file."""

    rule: str | None
    """The id of the rule, or which one it is when it has none; None when the file as a whole is wrong."""
    field: str | None
    """The path of the field, such as `condition.threshold`; None when the rule as a whole is wrong."""
    reason: str

    def __str__(self) -> str:
        """As a line of a message to the operator."""
        return ": ".join(part for part in (self.rule, self.field, self.reason) if part is not None)


class RulesFileError(Exception):
    """A rules file cannot be used; none of its rules was taken."""

    def __init__(self, file: str, problems: Sequence[RulesFileProblem]) -> None:
        shown = [str(problem) for problem in problems[:_SHOWN_PROBLEMS]]
        if len(problems) > len(shown):
            shown.append(f"and {len(problems) - len(shown)} more")
        super().__init__(f"{file}: {'; '.join(shown)}")
        self.file = file
        self.problems = tuple(problems)
        """Never empty."""


def load_rules(path: Path | None = None) -> list[AlarmRuleDraft]:
    """Read the rules of a file: a JSON list of rules as `POST /api/rules` takes them.

    Args:
        path: None for the rules that ship.

    Raises:
        RulesFileError: the file cannot be read, or a rule in it is refused; it names file, rule and field.
    """
    file = SHIPPED_RULES if path is None else path
    try:
        with file.open("rb") as opened:
            data = opened.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise _unusable(str(file), f"it cannot be read: {error.strerror or error}") from None
    if len(data) > _LARGEST_FILE:
        raise _unusable(str(file), f"it is larger than {_LARGEST_FILE} bytes")
    return _checked(str(file), _entries(str(file), data))


def _entries(file: str, data: bytes) -> list[object]:
    try:
        content = json.loads(data)
    # A text of many brackets is nested deeper than the parser goes.
    except (ValueError, RecursionError) as error:
        raise _unusable(file, f"it is no JSON: {error}") from None
    if not isinstance(content, list):
        raise _unusable(file, "it is no list of rules")
    if len(content) > MAXIMUM_RULES:
        raise _unusable(file, f"it has more than {MAXIMUM_RULES} rules")
    return content


def _unusable(file: str, reason: str) -> RulesFileError:
    return RulesFileError(file, [RulesFileProblem(None, None, reason)])


def _checked(file: str, entries: Sequence[object]) -> list[AlarmRuleDraft]:
    drafts: dict[str, AlarmRuleDraft] = {}
    problems: list[RulesFileProblem] = []
    for number, entry in enumerate(entries, start=1):
        rule = _name_of(entry, number)
        try:
            draft = AlarmRuleDraft.model_validate(entry)
        except ValidationError as error:
            problems += _schema_problems(rule, error, entry)
            continue
        problems += (RulesFileProblem(rule, found.field, found.reason) for found in check_rule(draft))
        if draft.rule_id in drafts:
            problems.append(RulesFileProblem(rule, "rule_id", "an earlier rule has the same id"))
        drafts[draft.rule_id] = draft
    if problems:
        raise RulesFileError(file, problems)
    return list(drafts.values())


def _name_of(entry: object, number: int) -> str:
    rule_id = entry.get("rule_id") if isinstance(entry, dict) else None
    return f"rule {rule_id[:_SHOWN_CHARACTERS]!r}" if isinstance(rule_id, str) else f"rule number {number}"


def _schema_problems(rule: str, error: ValidationError, entry: object) -> Iterator[RulesFileProblem]:
    for found in error.errors(include_url=False, include_input=False):
        field = ".".join(_steps(found["loc"], entry))
        yield RulesFileProblem(rule, field or None, found["msg"])


def _steps(location: Sequence[int | str], entry: object) -> Iterator[str]:
    """The fields on the way to a place, without the kind of condition, which pydantic puts in between."""
    for index, step in enumerate(location):
        if index != 1 or location[0] != "condition" or step != _kind_of_condition(entry):
            yield str(step)


def _kind_of_condition(entry: object) -> object:
    condition = entry.get("condition") if isinstance(entry, dict) else None
    return condition.get("type") if isinstance(condition, dict) else None
