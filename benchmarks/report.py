"""Figures as text: on the terminal, beside their bars, and in the document that keeps them."""

import io
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

_MEMORY_MEGABYTES = 150

_BUSY_LOAD = 0.25
"""Load of others per core, above which rates say little."""


def machine() -> str:
    """What the figures were taken on, when, and whether the machine was busy with something else."""
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0]
    text = (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {cores} cores, "
        f"Python {platform.python_version()}, load average before: {load:.1f}"
    )
    if load > _BUSY_LOAD * cores:
        text += "\nBUSY with other work: rates and times are worse than they could be"
    return text


def bar(wanted: str, *, reached: bool) -> str:
    """A line that says whether a figure is as it has to be."""
    return f"{f'bar: {wanted}':58}{'reached' if reached else 'MISSED':>8}"


def memory_bar(megabytes: float) -> str:
    """Whether an ingestor stayed as small as it has to."""
    return bar(f"below {_MEMORY_MEGABYTES} MB resident", reached=megabytes < _MEMORY_MEGABYTES)


@contextmanager
def copied_into(document: Path | None, *, command: str) -> Iterator[None]:
    """Put what the block prints also into a document, in place of what an earlier run put there.

    Args:
        document: has a block for the command, between comments; None for no document.
        command: what is being run, such as `make bench`.

    Raises:
        ValueError: the document has no block for the command. Nothing was run then.
    """
    if document is None:
        yield
        return
    with_block(document.read_text(), command, "")
    copy = _Copy(sys.stdout)
    with redirect_stdout(copy):
        yield
    document.write_text(with_block(document.read_text(), command, copy.getvalue()))


def with_block(text: str, command: str, block: str) -> str:
    """A document's text with another block of figures.

    Args:
        text: the document.
        command: names the block.
        block: the figures.

    Raises:
        ValueError: the document has no block for the command, or several.
    """
    begin, end = f"<!-- {command}: begin -->", f"<!-- {command}: end -->"
    before, found, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end or begin in after:
        raise ValueError(f"expected one block between {begin} and {end}")
    return f"{before}{begin}\n```\n{block.strip()}\n```\n{end}{after}"


class _Copy(io.StringIO):
    """Keeps what is written, and hands it on."""

    def __init__(self, target: TextIO) -> None:
        super().__init__()
        self._target = target

    def write(self, text: str) -> int:
        self._target.write(text)
        self._target.flush()
        return super().write(text)
