"""The rules that an installation begins with, from a file: the one that ships, or its operator's own."""

import json
from importlib import resources
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from microgrid_common.schemas.alarm_rule import MAXIMUM_RULES, AlarmRuleDraft
from microgrid_common.transforms.alarms.check_rule import check_rule

_SHIPPED: Final = "default_rules.json"
_LARGEST_FILE: Final = 4_000_000
"""Bytes: several times what `MAXIMUM_RULES` rules take."""


class RulesFileError(Exception):
    """A rules file cannot be used; it says the file, and each rule and field that is wrong."""


def load_rules(path: Path | None = None) -> list[AlarmRuleDraft]:
    """The rules of a file, each of them checked.

    Args:
        path: a JSON list of rules; None for the file that ships.

    Raises:
        RulesFileError: it cannot be read, or not every rule in it may be used.
    """
    source = resources.files(__package__) / _SHIPPED if path is None else path
    name = _SHIPPED if path is None else str(path)
    try:
        with source.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise RulesFileError(f"{name}: {error.strerror}") from None
    if len(data) > _LARGEST_FILE:
        raise RulesFileError(f"{name}: it is larger than {_LARGEST_FILE} bytes")
    return _rules(name, _entries(name, data))


def _entries(name: str, data: bytes) -> list[Any]:
    try:
        entries = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RulesFileError(f"{name}: it is no JSON: {error}") from None
    if not isinstance(entries, list):
        raise RulesFileError(f"{name}: it is no list of rules")
    if len(entries) > MAXIMUM_RULES:
        raise RulesFileError(f"{name}: it has more than {MAXIMUM_RULES} rules")
    return entries


def _rules(name: str, entries: list[Any]) -> list[AlarmRuleDraft]:
    rules: dict[str, AlarmRuleDraft] = {}
    problems: list[str] = []
    for number, entry in enumerate(entries, start=1):
        called = _called(number, entry)
        try:
            rule = AlarmRuleDraft.model_validate(entry)
        except ValidationError as error:
            problems += [
                f"{called}: {'.'.join(map(str, problem['loc'])) or 'the rule'}: {problem['msg']}"
                for problem in error.errors(include_url=False, include_input=False)
            ]
            continue
        problems += [f"{called}: {problem.field}: {problem.reason}" for problem in check_rule(rule)]
        if rule.rule_id in rules:
            problems.append(f"{called}: rule_id: an earlier rule has it already")
        rules[rule.rule_id] = rule
    if problems:
        raise RulesFileError("\n".join(f"{name}: {problem}" for problem in problems))
    return list(rules.values())


def _called(number: int, entry: Any) -> str:
    rule_id = entry.get("rule_id") if isinstance(entry, dict) else None
    return f"rule {number} ({rule_id!r:.80})" if isinstance(rule_id, str) else f"rule {number}"
