"""Steps from one value to the next that no plant takes, though each value is in its range."""

from datetime import timedelta

from microgrid_common.schemas.catalogue import BY_NAME

_MINUTE = timedelta(minutes=1)


def is_implausible_step(metric: str, before: float, after: float, elapsed: timedelta) -> bool:
    """Whether a value changed by more than is believable in the time between.

    The catalogue says what is believable within one minute, and a step may take a moment only: so that
    much is allowed in any shorter time, and in proportion more in a longer one.

    Args:
        metric: a canonical metric name; of any other nothing is known, and every step is believed.
        before: the value of the same device that came before, in the metric's canonical unit.
        after: the value that followed it.
        elapsed: the time between the two measurements; not negative.
    """
    known = BY_NAME.get(metric)
    if known is None:
        return False
    return abs(after - before) > known.plausible_step * max(1.0, elapsed / _MINUTE)
