"""Which points of a curve are shown when there are more than fit a screen."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from array import array

FEWEST: Final = 8
"""The lowest, the highest, and three of the rest at least, beside what has to be kept."""


def kept(
    times_ms: "array[int]", values: "array[float]", *, limit: int, always: Collection[int] = ()
) -> list[int]:
    """The places of the points to show.

    The first, the last, the lowest and the highest point are among them, and of the rest those that make
    most of the curve's shape: Largest Triangle Three Buckets (Steinarsson, 2013).

    Args:
        times_ms: in milliseconds since 1970, in order.
        values: as many, all of them finite.
        limit: the most to show; at least `FEWEST` and the number of `always`.
        always: places to show in any case.
    """
    count = len(values)
    if count <= limit:
        return list(range(count))
    # Imported late: with numpy it takes 0.2 s and 25 MB, which a start can do without.
    import numpy as np  # noqa: PLC0415
    from tsdownsample import LTTBDownsampler  # noqa: PLC0415

    ordinates = np.frombuffer(values, dtype=np.float64)
    chosen = {int(ordinates.argmin()), int(ordinates.argmax()), *always}
    downsampler = LTTBDownsampler()  # type: ignore[no-untyped-call]
    rest = downsampler.downsample(
        np.frombuffer(times_ms, dtype=np.int64), ordinates, n_out=limit - len(chosen)
    )
    return sorted(chosen.union(map(int, rest)))
