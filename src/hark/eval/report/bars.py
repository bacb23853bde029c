"""Bars by label, as HTML: the hardest labels first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

HARDEST, EASIEST = 60, 20
"""Of more labels than both together these are shown."""


def bars(values: Mapping[str, Sequence[float | None]], *, legend: Sequence[str] = ()) -> str:
    """A bar for each share of each label; None where there is no such share. Sorted by the mean share."""
    order = sorted(values, key=lambda label: (_mean(values[label]), label))
    left_out = len(order) - HARDEST - EASIEST
    shown = order if left_out <= 0 else [*order[:HARDEST], *order[-EASIEST:]]
    keys = "".join(f'<span class="key k{at}">{escape(name)}</span>' for at, name in enumerate(legend))
    note = f'<p class="soft">The {HARDEST} hardest and the {EASIEST} easiest of {len(order):,} labels.</p>'
    return "".join(
        [
            f'<p class="legend">{keys}</p>' if keys else "",
            '<div class="labels">',
            *(_label(label, values[label]) for label in shown),
            "</div>",
            note if left_out > 0 else "",
        ]
    )


def _label(label: str, shares: Sequence[float | None]) -> str:
    tracks = "".join(
        f'<span class="track k{at}"><i style="width:{100 * min(max(share, 0.0), 1.0):.1f}%"></i></span>'
        f"<b>{share:.3f}</b>"
        for at, share in enumerate(shares)
        if share is not None
    )
    return f'<div><span class="file" title="{escape(label)}">{escape(label)}</span>{tracks}</div>'


def _mean(shares: Sequence[float | None]) -> float:
    known = [share for share in shares if share is not None]
    return sum(known) / max(1, len(known))
