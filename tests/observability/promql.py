"""What a query asks for: just enough of PromQL to find names that are nowhere exposed."""

import re
from dataclasses import dataclass
from typing import Final

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_MATCHERS: Final = re.compile(r"\{([^}]*)\}")
_GROUPING: Final = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_RANGE: Final = re.compile(r"\[[^\]]*\]")
_NAME: Final = re.compile(r"(?<![\w.])([A-Za-z_:][\w:]*)\s*(\(?)")
_OPERATORS: Final = frozenset({"and", "or", "unless", "bool", "offset", "by"})


@dataclass(frozen=True)
class Asked:
    """The names in one query."""

    metrics: frozenset[str]
    labels: frozenset[str]


def asked_for(query: str) -> Asked:
    """All that a query names. What stands before a bracket is a function or an aggregation, and no metric."""
    rest = _STRING.sub('""', query)
    labels = set()
    for clause in (_MATCHERS, _GROUPING):
        for found in clause.findall(rest):
            labels |= {name.group(1) for name in _NAME.finditer(found)}
        rest = clause.sub(" ", rest)
    rest = _RANGE.sub(" ", rest)
    names = {name for name, bracket in _NAME.findall(rest) if not bracket}
    return Asked(frozenset(names - _OPERATORS), frozenset(labels))
