"""A curve as an SVG drawing whose colours follow the page's."""

from __future__ import annotations

import html
from collections.abc import Sequence

from hark.eval.report.charts import round_up

WIDTH, HEIGHT = 460, 230
LEFT, RIGHT, TOP, BOTTOM = 44, 14, 14, 30


def svg(
    points: Sequence[tuple[float, float]],
    *,
    title: str,
    faint: Sequence[tuple[float, float]] = (),
    level: tuple[str, float] | None = None,
    top: float | None = None,
) -> str:
    """A line through `points` (step, value) with dots, over a fine line through the `faint` ones.

    `level` is drawn across, dashed, with its name. Values start at 0 and end at `top`, or just above the highest.
    """
    last = max(x for x, _ in [*points, *faint])
    high = top if top is not None else round_up(max(y for _, y in [*points, *faint]))

    def across(x: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * x / last, 1)

    def down(y: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(y, high) / high), 1)

    def through(line: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{across(x)},{down(y)}" for x, y in line)

    def word(x: float, y: float, text: str, *, anchor: str = "end") -> str:
        return f'<text x="{x}" y="{round(y, 1)}" text-anchor="{anchor}">{html.escape(text)}</text>'

    def rule(kind: str, y: float) -> str:
        return f'<line class="{kind}" x1="{LEFT}" y1="{down(y)}" x2="{WIDTH - RIGHT}" y2="{down(y)}"/>'

    drawn = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(title)}">']
    for quarter in range(5):
        value = high * quarter / 4
        drawn += [rule("grid", value), word(LEFT - 8, down(value) + 4, f"{value:.3g}")]
    for x, anchor, unit in ((0.0, "start", ""), (last / 2, "middle", ""), (last, "end", " steps")):
        drawn.append(word(across(x), HEIGHT - 8, f"{x:.0f}{unit}", anchor=anchor))
    if level is not None:
        name, value = level
        drawn += [rule("level", value), word(WIDTH - RIGHT, down(value) - 6, f"{name} {value:.3f}")]
    if faint:
        drawn.append(f'<polyline class="faint" points="{through(faint)}"/>')
    drawn.append(f'<polyline class="line" points="{through(points)}"/>')
    for x, y in points:
        drawn.append(f'<circle cx="{across(x)}" cy="{down(y)}" r="3.2"><title>{x:.0f}: {y:.3f}</title></circle>')
    return "".join([*drawn, "</svg>"])
