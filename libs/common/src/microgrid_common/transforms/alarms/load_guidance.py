"""What is recommended for the alarm load of one operator.

ISA-18.2 and IEC 62682 give metrics after EEMUA 191: guidance for judging an alarm system, not law.
"""

from collections.abc import Mapping
from typing import Any, Final

from microgrid_common.schemas.alarm_load import Guidance
from microgrid_common.schemas.alert import Severity

FLOOD_ALARMS: Final = 10
"""More than so many alarms in ten minutes are a flood: nobody can answer to each."""

_ISA: Final = "ISA-18.2 / IEC 62682"
_EEMUA: Final = "EEMUA 191, ISA-18.2 / IEC 62682"
_ACCEPTABLE_PER_HOUR: Final = 6
_MOST_PER_HOUR: Final = 12
_FLOODED_PERCENT: Final = 1
_TOP_10_PERCENT: Final = 5
_STALE: Final = 5
_CRITICAL_PERCENT: Final = 5
_CRITICAL_AND_WARNING_PERCENT: Final = 20


def guidance_of(
    figures: Mapping[str, Any], *, top_10_percent: float, severity_percent: Mapping[Severity, float]
) -> tuple[Guidance, ...]:
    """The figures of a grid beside what is recommended.

    Args:
        figures: the fields of `AlarmFigures`.
        top_10_percent: as `AlarmLoad.top_10_percent`.
        severity_percent: the share of each severity.
    """
    any_alarms = figures["alarms"] > 0
    per_hour: float = figures["alarms_per_hour"]
    flooded: float = figures["flooded_10_minutes_percent"]
    chattering: int = figures["chattering_alarms"]
    stale: int = figures["stale_alarms"]
    top = top_10_percent if any_alarms else None
    critical = severity_percent[Severity.CRITICAL] if any_alarms else None
    urgent = None if critical is None else critical + severity_percent[Severity.WARNING]
    return (
        _judged(
            "alarms_per_hour",
            per_hour,
            f"about {_ACCEPTABLE_PER_HOUR} an hour are acceptable",
            met=per_hour <= _ACCEPTABLE_PER_HOUR,
            source=_EEMUA,
        ),
        _judged(
            "alarms_per_hour",
            per_hour,
            f"about {_MOST_PER_HOUR} an hour are the most that can be managed",
            met=per_hour <= _MOST_PER_HOUR,
            source=_EEMUA,
        ),
        _judged(
            "flooded_10_minutes_percent",
            flooded,
            f"less than {_FLOODED_PERCENT} % of ten minutes with more than {FLOOD_ALARMS} alarms",
            met=flooded < _FLOODED_PERCENT,
        ),
        _judged(
            "top_10_percent",
            top,
            f"at most {_TOP_10_PERCENT} % from the ten most frequent alarms",
            met=top is not None and top <= _TOP_10_PERCENT,
        ),
        _judged("chattering_alarms", chattering, "no chattering alarm", met=chattering == 0),
        _judged(
            "stale_alarms",
            stale,
            f"fewer than {_STALE} alarms that last for more than 24 hours",
            met=stale < _STALE,
        ),
        _judged(
            "critical_percent",
            critical,
            f"about {_CRITICAL_PERCENT} % critical",
            met=critical is not None and critical <= _CRITICAL_PERCENT,
        ),
        _judged(
            "critical_and_warning_percent",
            urgent,
            f"about {_CRITICAL_AND_WARNING_PERCENT} % critical or warning, the other 80 % information",
            met=urgent is not None and urgent <= _CRITICAL_AND_WARNING_PERCENT,
        ),
    )


def _judged(
    figure: str, measured: float | None, recommended: str, *, met: bool, source: str = _ISA
) -> Guidance:
    return Guidance(
        figure=figure,
        measured=measured,
        recommended=recommended,
        met=None if measured is None else met,
        source=source,
    )
