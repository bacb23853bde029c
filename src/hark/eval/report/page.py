"""The report of one or several evaluations as one HTML page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import numpy as np

from hark.eval.report import bars, charts, figures, way, zeroshot
from hark.eval.report.cards import card
from hark.eval.report.document import beside, document
from hark.eval.report.evaluation import Evaluation
from hark.eval.report.listen import Listener
from hark.eval.report.table import Cell, Table
from hark.eval.report.way import WORDS, Way


def html(
    evaluations: Sequence[Evaluation],
    numbers: Sequence[Table],
    differences: Sequence[Table],
    *,
    listener: Listener,
    lines: Sequence[str],
) -> str:
    """The page; `lines` say what its numbers were made of."""
    first = evaluations[0]
    names = ", ".join(dict.fromkeys(one.made.model for one in evaluations))
    about = (
        f"{figures.count(len(first.clips), 'clip', 'clips')}, {figures.count(first.ways[0].queries, 'text', 'texts')}"
    )
    parts = [
        f"<h1>{escape(names)}</h1>",
        f'<p class="lead">Retrieval on {about} ({escape(first.texts)}), searched both ways.</p>',
        _facts(evaluations),
    ]
    if listener.paint is None:
        parts.append('<p class="notice">No spectrograms: matplotlib is missing; pip install "hark[report]"</p>')
    parts += ["<h2>Numbers</h2>", *(_table(table) for table in numbers)]
    if differences:
        parts += ["<h2>Differences</h2>", *(_table(table) for table in differences)]
    made = list(lines)
    for one in evaluations:
        if len(evaluations) > 1:
            parts.append(f"<h2>{escape(one.title)}</h2>")
        parts += _system(one, listener, made)
    foot = "".join(f"<p>{escape(line)}</p>" for line in made)
    return document(
        f"hark report: {names}", [*parts, f"<footer>{foot}</footer>"], style=beside(Path(__file__), "page.css")
    )


def _facts(evaluations: Sequence[Evaluation]) -> str:
    cells = []
    for one in evaluations[:4]:
        for direction in one.ways:
            for metric in dict.fromkeys([direction.main, "R@1"][: 2 if len(evaluations) == 1 else 1]):
                found = direction.metrics.get(metric)
                if found is not None:
                    name = f"{metric}, {WORDS[direction.name]}"
                    unit = f"{one.title}: " if len(evaluations) > 1 else ""
                    cells.append((name, figures.value(metric, found.value), unit + figures.interval(metric, found)))
    shown = (
        f"<div><dt>{escape(name)}</dt><dd>{value} <small>{escape(unit)}</small></dd></div>"
        for name, value, unit in cells
    )
    return f'<dl class="facts">{"".join(shown)}</dl>'


def _table(table: Table) -> str:
    heads = "".join(f"<th>{escape(head)}</th>" for head in table.heads)
    rows = "".join(f"<tr><th>{escape(name)}</th>{''.join(map(_cell, cells))}</tr>" for name, cells in table.rows)
    return (
        f'<h3 class="title">{escape(table.title)}</h3><div class="scroll"><table><tr>{heads}</tr>{rows}</table></div>'
        f'<p class="soft">{escape(table.note)}</p>'
    )


def _cell(cell: Cell) -> str:
    track = '<span class="track none"></span>' if cell.aside else ""
    if cell.of is not None:
        low, high = (100 * min(max(end, 0.0), 1.0) for end in (cell.of.low, cell.of.high))
        track = (
            f'<span class="track"><i style="width:{100 * min(max(cell.of.value, 0.0), 1.0):.1f}%"></i>'
            f'<s style="left:{low:.1f}%;width:{high - low:.1f}%"></s></span>'
        )
    small = f" <small>{escape(cell.interval)}</small>" if cell.interval else ""
    return f"<td>{track}<b>{escape(cell.text)}</b>{small}</td>"


def _system(one: Evaluation, listener: Listener, made: list[str]) -> Iterator[str]:
    yield "<h2>Ranks and similarities</h2>"
    yield f'<div class="curves">{"".join(_ranks(direction) for direction in one.ways)}{_spread(one)}</div>'
    if any(direction.labels for direction in one.ways):
        yield "<h2>By label</h2>"
        yield _labels(one)
    if one.plane is not None:
        yield "<h2>The space</h2>"
        yield _plane(one)
    if one.zeroshot is not None:
        told, lines = zeroshot.section(one.zeroshot, place=str(one.results.folder))
        made += lines
        yield f"<h2>Zero-shot classification</h2>\n{told}"
    for direction in one.ways:
        for name, group in (("Worst", direction.worst), ("Best", direction.best)):
            if group:
                yield f"<h2>{name}, {WORDS[direction.name]}</h2>"
                yield '<p class="soft">By average precision over the whole ranking.</p>'
                yield from (card(shown, direction, one, listener) for shown in group)


def _ranks(direction: Way) -> str:
    counts = way.binned(np.array(list(direction.first.values()), dtype=np.float64), direction.items)
    drawn = charts.bars(counts, title=f"Ranks of the first right answer, {WORDS[direction.name]}")
    return f"<figure><figcaption>Rank of the first right answer, {WORDS[direction.name]}</figcaption>{drawn}</figure>"


def _spread(one: Evaluation) -> str:
    found = one.spread
    told = f"In the middle {found.middle(found.matching):.3f} and {found.middle(found.others):.3f}."
    if found.apart is not None:
        told += f" Of two such pairs the matching one is more alike in {100 * found.apart:.1f} % of cases."
    drawn = charts.distributions(found, title="Similarities of matching and other pairs")
    keys = '<span class="key k0">pairs that belong together</span><span class="key k1">all others</span>'
    return (
        f'<figure><figcaption>Similarity</figcaption>{drawn}<p class="legend">{keys}</p>'
        f'<p class="soft">{told}</p></figure>'
    )


def _labels(one: Evaluation) -> str:
    there, back = one.ways
    shares = {
        label: tuple(direction.labels[label].value if label in direction.labels else None for direction in one.ways)
        for label in {**there.labels, **back.labels}
    }
    legend = [f"{direction.main}, {WORDS[direction.name]}" for direction in one.ways]
    told = "The mean over the texts all of whose clips have the label, and over the clips that have it."
    return f'<p class="soft">{told}</p>{bars.bars(shares, legend=legend)}'


def _plane(one: Evaluation) -> str:
    assert one.plane is not None
    names, back = list(one.clips), one.ways[1]
    clips = [_spot(names[at], one, back.first.get(names[at])) for at in one.plane.clip_places.tolist()]
    texts = [one.sentences[at] if at < len(one.sentences) else "" for at in one.plane.text_places.tolist()]
    drawn = charts.scatter(one.plane, clips=clips, texts=texts, title="Clips and texts on a plane")
    first, second = (100 * share for share in one.plane.share)
    told = (
        f"Clips (dots, {len(clips):,} of {len(names):,}) and texts (diamonds) on the two directions in which the clips "
        f"differ most ({first:.0f} % and {second:.0f} % of their variance), each kind around its own mean: the means "
        f"lie {one.plane.apart:.2f} apart. Most of the distances are not to be seen on a plane."
    )
    keys = (
        '<span class="key good">right text first</span><span class="key fair">among ten</span>'
        '<span class="key bad">farther down</span>'
    )
    return f'<p class="soft">{told}</p><p class="legend">{keys}</p>{drawn}'


def _spot(name: str, one: Evaluation, rank: float | None) -> tuple[str, str]:
    said = one.clips[name].captions or one.clips[name].labels
    told = ": ".join([name, *said[:1]])
    if rank is None:
        return "none", told
    return "good" if rank <= 1 else "fair" if rank <= 10 else "bad", f"{told} (rank {rank:g})"
