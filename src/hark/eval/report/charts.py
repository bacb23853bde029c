"""Charts as SVG drawings whose colours follow the page's: bars of counts, two distributions, points on a plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from hark.eval.report.plane import Plane
from hark.eval.report.spread import Spread

WIDTH, HEIGHT = 460, 230
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 14, 30
STEPS = 40  # of a distribution
SIDE = 620  # of the plane
LETTER = 6.4  # about the width of one in a plane's words


def bars(counts: Sequence[tuple[str, int]], *, title: str) -> str:
    """A bar for each (name, count), as high as its share of all; the share stands above it."""
    total = max(1, sum(count for _, count in counts))
    high = min(1.0, round_up(max((count for _, count in counts), default=0) / total))
    step = (WIDTH - LEFT - RIGHT) / max(1, len(counts))
    many = len(counts) > 8
    foot = HEIGHT - BOTTOM
    drawn = _frame(title, high, below=34 if many else 0)
    for at, (name, count) in enumerate(counts):
        x, y = LEFT + at * step, _down(count / total, high)
        middle = x + step / 2
        tip = f"rank {name}: {count:,} of {total:,}"
        drawn.append(
            f'<rect class="bar" x="{x + 0.12 * step:.1f}" y="{y:.1f}" width="{0.76 * step:.1f}" '
            f'height="{foot - y:.1f}"><title>{escape(tip)}</title></rect>'
        )
        turned = f' class="small" transform="rotate(-40 {middle:.1f} {foot + 12})"' if many else ""
        drawn.append(_word(middle, foot + (12 if many else 16), name, anchor="end" if many else "middle", extra=turned))
        if count and step > 24:
            small = ' class="small"' if many else ""
            drawn.append(_word(middle, y - 4, f"{100 * count / total:.3g}", anchor="middle", extra=small))
    return "".join([*drawn, "</svg>"])


def distributions(spread: Spread, *, title: str) -> str:
    """How the similarities of matching pairs and of others spread, each as a share of its own pairs."""
    held = [at for at in range(len(spread.matching)) if spread.matching[at] or spread.others[at]]
    first, last = (held[0], held[-1] + 1) if held else (0, len(spread.matching))
    merged = max(1, round((last - first) / STEPS))
    starts = list(range(first, last, merged))
    ends = [*starts[1:], last]
    lines = {
        kind: [int(counts[a:b].sum()) / max(1, int(counts.sum())) for a, b in zip(starts, ends, strict=True)]
        for kind, counts in (("others", spread.others), ("matching", spread.matching))
    }
    high = min(1.0, round_up(max(max(line) for line in lines.values())))
    low_x, high_x = float(spread.edges[first]), float(spread.edges[last])

    def across(x: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (x - low_x) / (high_x - low_x)

    drawn = _frame(title, high)
    for kind, line in lines.items():
        corners = [(low_x, 0.0)]
        for a, b, share in zip(starts, ends, line, strict=True):
            corners += [(float(spread.edges[a]), share), (float(spread.edges[b]), share)]
        corners.append((high_x, 0.0))
        points = " ".join(f"{across(x):.1f},{_down(y, high):.1f}" for x, y in corners)
        drawn.append(f'<polygon class="area {kind}" points="{points}"/>')
    for part, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        x = low_x + part * (high_x - low_x)
        drawn.append(_word(across(x), HEIGHT - 10, f"{x:.2f}", anchor=anchor))
    return "".join([*drawn, "</svg>"])


def scatter(plane: Plane, *, clips: Sequence[tuple[str, str]], texts: Sequence[str], title: str) -> str:
    """Clips as dots, each with its class ("good", "fair", "bad") and what a pointer is told; texts as diamonds.

    The words of a text stand beside it where there is room; a pointer is told those of the others.
    """
    spots = [*plane.clips.tolist(), *plane.texts.tolist()]
    low = [min(spot[axis] for spot in spots) for axis in (0, 1)]
    span = max(max(spot[axis] for spot in spots) - low[axis] for axis in (0, 1)) or 1.0
    height = max(0.4, (max(spot[1] for spot in spots) - low[1]) / span) * (SIDE - 40) + 40

    def place(spot: Sequence[float]) -> tuple[float, float]:
        return 20 + (SIDE - 40) * (spot[0] - low[0]) / span, height - 20 - (SIDE - 40) * (spot[1] - low[1]) / span

    drawn = [f'<svg class="plane" viewBox="0 0 {SIDE} {height:.0f}" role="img" aria-label="{escape(title)}">']
    for spot, (kind, tip) in zip(plane.clips.tolist(), clips, strict=True):
        x, y = place(spot)
        drawn.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{escape(tip)}</title></circle>')
    taken: list[tuple[float, float, float, float]] = []
    for spot, text in zip(plane.texts.tolist(), texts, strict=True):
        x, y = place(spot)
        drawn.append(f'<path class="text" d="M{x:.1f} {y - 5:.1f}l5 5-5 5-5-5z"><title>{escape(text)}</title></path>')
        wide = LETTER * len(text)
        left = x + 8 if x + 8 + wide < SIDE else x - 8 - wide
        box = (left, y - 7, left + wide, y + 7)
        if len(text) <= 28 and left > 0 and not any(_meet(box, other) for other in taken):
            taken.append(box)
            drawn.append(_word(left, y + 4, text, anchor="start"))
    return "".join([*drawn, "</svg>"])


def round_up(value: float) -> float:
    """The next of 1, 2, 4, 6, 8 times a power of ten."""
    if value <= 0:
        return 1.0
    ten = 10.0 ** math.floor(math.log10(value))
    return next(ten * factor for factor in (1, 2, 4, 6, 8, 10) if ten * factor >= value - 1e-12)


def _frame(title: str, high: float, *, below: int = 0) -> list[str]:
    """The beginning of a drawing with lines across; `below` is more room at the foot."""
    drawn = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT + below}" role="img" aria-label="{escape(title)}">']
    for quarter in range(5):
        share = high * quarter / 4
        y = _down(share, high)
        drawn.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>')
        drawn.append(_word(LEFT - 8, y + 4, f"{100 * share:.3g}%"))
    return drawn


def _down(share: float, high: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(share, high) / high)


def _word(x: float, y: float, text: str, *, anchor: str = "end", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{escape(text)}</text>'


def _meet(one: tuple[float, float, float, float], two: tuple[float, float, float, float]) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]
