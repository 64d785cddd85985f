"""Bar charts: where each bar, line and word of one goes, for a template to draw."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_LEFT: Final = 46.0
"""Room for the numbers of the axis."""
_TOP: Final = 8.0
_BOTTOM: Final = 22.0
"""Room for the labels of the periods."""
_LINES: Final = 4
_SHARE_OF_SLOT: Final = 0.72
_WIDEST_BAR: Final = 46.0
_SMALLEST_STEP: Final = 0.001
"""A watt-hour."""


@dataclass(frozen=True, slots=True)
class Amount:
    """What one bar shows."""

    kwh: float
    is_whole: bool
    """Whether it is known for all of the time; pale when not."""
    words: str
    """What is told about it where the pointer rests."""


@dataclass(frozen=True, slots=True)
class Series:
    """Bars of one colour."""

    name: str
    css_class: str
    amounts: Sequence[Amount | None]
    """One a period; None where nothing is known."""
    points_down: bool = False


@dataclass(frozen=True, slots=True)
class Size:
    """Of a chart, in units that are pixels where it is shown as wide as it is."""

    width: float
    height: float
    label_width: float
    """What the label of a period needs."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float
    css_class: str
    words: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A word at a place."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart that is ready to be drawn."""

    size: Size
    left: float
    zero_y: float
    label_y: float
    bars: Sequence[Bar]
    lines: Sequence[Mark]
    """Of the scale, in kWh."""
    labels: Sequence[Mark]
    gaps: Sequence[Bar]
    """Periods about which nothing is known."""


def bar_chart(series: Sequence[Series], labels: Sequence[str], size: Size) -> Chart:
    """Lay out bars: those that point the same way stand side by side.

    Args:
        series: at least one.
        labels: of the periods, one at least.
        size: what there is room for.
    """
    step, above, below = _scale(series)
    bottom = size.height - _BOTTOM
    per_kwh = (bottom - _TOP) / ((above + below) * step)
    zero_y = _TOP + above * step * per_kwh
    slot = (size.width - _LEFT) / len(labels)
    return Chart(
        size=size,
        left=_LEFT,
        zero_y=_rounded(zero_y),
        label_y=_rounded(size.height - _BOTTOM / 3),
        bars=_bars(series, slot, zero_y, per_kwh),
        lines=[
            Mark(_rounded(zero_y - number * step * per_kwh), _scale_text(abs(number) * step))
            for number in range(-below, above + 1)
        ],
        labels=_thinned(labels, slot, size),
        gaps=[
            Bar(_rounded(_LEFT + number * slot), _TOP, _rounded(slot), _rounded(bottom - _TOP), "gap", label)
            for number, label in enumerate(labels)
            if all(one.amounts[number] is None for one in series)
        ],
    )


def _bars(series: Sequence[Series], slot: float, zero_y: float, per_kwh: float) -> list[Bar]:
    side_by_side = max(sum(one.points_down is down for one in series) for down in (False, True))
    width = min(slot * _SHARE_OF_SLOT / side_by_side, _WIDEST_BAR)
    margin = (slot - width * side_by_side) / 2
    found: list[Bar] = []
    for down in (False, True):
        for place, one in enumerate(each for each in series if each.points_down is down):
            for number, amount in enumerate(one.amounts):
                if amount is None:
                    continue
                height = amount.kwh * per_kwh
                found.append(
                    Bar(
                        x=_rounded(_LEFT + number * slot + margin + place * width),
                        y=_rounded(zero_y if down else zero_y - height),
                        width=_rounded(width * 0.92),
                        height=_rounded(height),
                        css_class=one.css_class if amount.is_whole else f"{one.css_class} pale",
                        words=amount.words,
                    )
                )
    return found


def _scale(series: Sequence[Series]) -> tuple[float, int, int]:
    """How many kWh are between two lines, and how many lines there are above zero and below it."""
    highest = {
        down: max(
            (
                amount.kwh
                for one in series
                if one.points_down is down
                for amount in one.amounts
                if amount is not None
            ),
            default=0.0,
        )
        for down in (False, True)
    }
    step = _round_step((highest[False] + highest[True]) / _LINES)
    above, below = (math.ceil(highest[down] / step - 1e-9) for down in (False, True))
    return step, max(above, 0 if below else 1), below


def _round_step(at_least: float) -> float:
    """1, 2 or 5 times a power of ten."""
    at_least = max(at_least, _SMALLEST_STEP)
    power = 10.0 ** math.floor(math.log10(at_least))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= at_least * (1 - 1e-9))


def _scale_text(kwh: float) -> str:
    return f"{kwh:,.10g}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _thinned(labels: Sequence[str], slot: float, size: Size) -> list[Mark]:
    every = max(1, math.ceil(size.label_width / slot))
    return [
        Mark(_rounded(min(_LEFT + (number + 0.5) * slot, size.width - size.label_width / 3)), label)
        for number, label in enumerate(labels)
        if number % every == 0
    ]


def _rounded(coordinate: float) -> float:
    return round(coordinate, 2)
