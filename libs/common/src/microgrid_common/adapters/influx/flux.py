"""Flux queries with bound parameters, and their answers: rows of annotated CSV, as they arrive."""

import csv
from collections.abc import AsyncIterable, AsyncIterator, Callable
from datetime import datetime
from operator import itemgetter
from typing import Any

from microgrid_common.ports.errors import RetryableError

_DIALECT = {"header": True, "annotations": [], "delimiter": ",", "dateTimeFormat": "RFC3339"}


Parameters = dict[str, str | datetime]


def query_body(text: str, parameters: Parameters) -> dict[str, Any]:
    """The body of a request to `/api/v2/query`.

    The parameters travel as syntax tree, never as text of the query: nothing in them needs escaping.

    Args:
        text: the query; each parameter is a variable in it.
        parameters: name → value; a time must be aware.
    """
    return {
        "query": text,
        "type": "flux",
        "dialect": _DIALECT,
        "extern": {
            "type": "File",
            "imports": [],
            "body": [_assignment(*item) for item in parameters.items()],
        },
    }


def _assignment(name: str, value: str | datetime) -> dict[str, Any]:
    literal = (
        {"type": "DateTimeLiteral", "value": value.isoformat()}
        if isinstance(value, datetime)
        else {"type": "StringLiteral", "value": value}
    )
    return {
        "type": "OptionStatement",
        "assignment": {
            "type": "VariableAssignment",
            "id": {"type": "Identifier", "name": name},
            "init": literal,
        },
    }


async def read_rows(
    chunks: AsyncIterable[bytes], columns: tuple[str, ...]
) -> AsyncIterator[list[tuple[str, ...]]]:
    """The rows of an answer, some at a time, each as the values of `columns` in that order.

    Args:
        chunks: the answer's bytes, cut anywhere.
        columns: at least two; every table of the answer must have them.

    Raises:
        RetryableError: the query failed in the middle of the answer.
    """
    rest = b""
    pick: Callable[[list[str]], tuple[str, ...]] = tuple
    header_follows = True
    async for chunk in chunks:
        lines, newline, rest = (rest + chunk).rpartition(b"\n")
        if not newline:
            continue
        rows: list[tuple[str, ...]] = []
        for row in csv.reader(lines.decode().splitlines()):
            # An empty line ends a table; the next one may have other columns.
            if not row:
                header_follows = True
            elif header_follows:
                pick = _column_picker(row, columns)
                header_follows = False
            else:
                rows.append(pick(row))
        yield rows


def _column_picker(header: list[str], columns: tuple[str, ...]) -> Callable[[list[str]], tuple[str, ...]]:
    try:
        return itemgetter(*(header.index(column) for column in columns))
    except ValueError:
        # A query that fails after its answer has begun ends it with a table of its own: error, reference.
        raise RetryableError(f"InfluxDB broke off its answer: {header}"[:200]) from None
