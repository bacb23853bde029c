"""How figures are written: values with their intervals, differences, times, counts."""

from __future__ import annotations

from hark.metrics.confidence import Estimate
from hark.metrics.paired import Difference


def digits_of(metric: str) -> int:
    """How many digits a metric is shown with: ranks one, shares three."""
    return 1 if metric.endswith("rank") else 3


def value(metric: str, number: float) -> str:
    """A metric's value, as "0.412"."""
    return f"{number:.{digits_of(metric)}f}"


def interval(metric: str, found: Estimate | Difference) -> str:
    """The interval around it, as "[0.398, 0.426]"; of a difference with its signs."""
    sign = "+" if isinstance(found, Difference) else ""
    digits = digits_of(metric)
    return f"[{found.low:{sign}.{digits}f}, {found.high:{sign}.{digits}f}]"


def estimate(metric: str, found: Estimate) -> str:
    """The value and its interval, as "0.412 [0.398, 0.426]"."""
    return f"{value(metric, found.value)} {interval(metric, found)}"


def clock(seconds: float) -> str:
    """Seconds as m:ss.s."""
    tenths = round(seconds * 10)  # first, so that 59.97 is 1:00.0 and not 0:60.0
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"


def count(number: float, one: str, many: str) -> str:
    """A number of things, as "1 clip", "1,045 clips"."""
    return f"{number:,} {one if number == 1 else many}"
