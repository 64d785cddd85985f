"""Tables as files: CSV, JSON and XLSX, written while they are read."""

import asyncio
import csv
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from datetime import datetime
from enum import StrEnum
from io import StringIO
from tempfile import TemporaryFile
from typing import IO, Any, Final

from microgrid_api.history.tables import Cell, Column, Row, Table
from microgrid_api.web.wire_time import format_local_time

MOST_ROWS_IN_A_WORKBOOK: Final = 200_000
"""Ten columns of them take some ten seconds of the processor; more is no matter for a spreadsheet."""

_PIECE: Final = 64 * 1024
_BEGINS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


class TableFormat(StrEnum):
    """Of what kind a file is."""

    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"


MEDIA_TYPES: Final = {
    TableFormat.CSV: "text/csv; charset=utf-8",
    TableFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    TableFormat.JSON: "application/json",
}


class TableTooLongError(Exception):
    """There are more rows than such a file may have."""


async def write_csv(table: Table) -> AsyncIterator[bytes]:
    """A table as CSV (RFC 4180, UTF-8): a line of headings, then one for each row."""
    yield _csv([[column.heading for column in table.columns]])
    async with aclosing(table.batches):
        async for rows in table.batches:
            if rows:
                yield await asyncio.to_thread(_csv, rows)


async def write_json(table: Table) -> AsyncIterator[bytes]:
    """A table as one JSON object: what it is of, its `columns`, and `rows` of as many cells."""
    head = {
        **table.about,
        "columns": [{"name": column.name, "unit": column.unit} for column in table.columns],
    }
    yield json.dumps(head, ensure_ascii=False).removesuffix("}").encode() + b', "rows": ['
    separator = b"\n"
    async with aclosing(table.batches):
        async for rows in table.batches:
            if rows:
                yield separator + await asyncio.to_thread(_json, rows)
                separator = b",\n"
    yield b"\n]}\n"


async def write_workbook(table: Table) -> AsyncGenerator[bytes, None]:
    """A table as a workbook of Excel; it is whole before this returns, in a temporary file.

    Raises:
        TableTooLongError: there are more than `MOST_ROWS_IN_A_WORKBOOK`.
    """
    file = TemporaryFile()  # noqa: SIM115 - closed when it is sent
    try:
        sheet = await asyncio.to_thread(_Sheet, file, table.title, table.columns)
        try:
            async with aclosing(table.batches):
                async for rows in table.batches:
                    await asyncio.to_thread(sheet.add, rows)
        finally:
            # Else what it wrote so far stays behind.
            await asyncio.to_thread(sheet.close)
    except BaseException:
        file.close()
        raise
    return _pieces(file)


async def _pieces(file: IO[bytes]) -> AsyncGenerator[bytes, None]:
    with file:
        file.seek(0)
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece


class _Sheet:
    """A workbook of one sheet, of which one row at a time is in memory."""

    def __init__(self, file: IO[bytes], title: str, columns: Sequence[Column]) -> None:
        # Imported late: it takes 40 ms, which a start can do without.
        from xlsxwriter import Workbook  # noqa: PLC0415

        self._book: Any = Workbook(file, {"constant_memory": True})
        self._sheet = self._book.add_worksheet(title)
        self._time_format = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        bold = self._book.add_format({"bold": True})
        self._rows = 0
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(0, len(columns) - 1, 20)
        for place, column in enumerate(columns):
            self._sheet.write_string(0, place, column.heading, bold)

    def add(self, rows: Sequence[Row]) -> None:
        """Write more rows."""
        if self._rows + len(rows) > MOST_ROWS_IN_A_WORKBOOK:
            raise TableTooLongError
        for row in rows:
            self._rows += 1
            for place, cell in enumerate(row):
                self._write(place, cell)

    def close(self) -> None:
        """Write what is left."""
        self._book.close()

    def _write(self, place: int, cell: Cell) -> None:
        # Never `write`, which takes some texts for formulas.
        if isinstance(cell, str):
            self._sheet.write_string(self._rows, place, cell)
        elif isinstance(cell, datetime):
            # Excel knows no time zones: the heading names it.
            self._sheet.write_datetime(self._rows, place, cell.replace(tzinfo=None), self._time_format)
        elif cell is not None:
            self._sheet.write_number(self._rows, place, cell)


def _csv(rows: Sequence[Row]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows([[_csv_cell(cell) for cell in row] for row in rows])
    return text.getvalue().encode()


def _csv_cell(cell: Cell) -> Cell:
    if isinstance(cell, datetime):
        return format_local_time(cell)
    # A spreadsheet would run it when it opens the file: https://owasp.org/www-community/attacks/CSV_Injection
    if isinstance(cell, str) and cell.startswith(_BEGINS_A_FORMULA):
        return f"'{cell}"
    return cell


def _json(rows: Sequence[Row]) -> bytes:
    return ",\n".join(
        json.dumps(row, ensure_ascii=False, allow_nan=False, default=format_local_time) for row in rows
    ).encode()
