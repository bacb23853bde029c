"""The report as one HTML file that asks for nothing from outside: style, pictures and sounds are in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from hark.audio.synth.scene import Event
from hark.demo import words
from hark.demo.curve import svg
from hark.demo.parts import Answer, Asked, Learned, Measured, Report
from hark.demo.pictures import Strip
from hark.eval.report import figures
from hark.eval.report.document import beside, document
from hark.metrics.confidence import Estimate

TIMES = "&times;"
LANE = 21  # pixels from one row of events to the next


def html(report: Report, strips: Mapping[Answer, Strip]) -> str:
    """The page; `strips` holds the picture and sound of each of the report's answers."""
    parts = [_top(report), _facts(report)]
    if any(strip.picture is None for strip in strips.values()):
        parts.append('<p class="notice">No spectrograms: matplotlib is missing; pip install "hark[report]"</p>')
    parts.append(_search(report, strips))
    if report.measured is not None:
        parts.append(_measure(report.measured))
    if report.learned is not None:
        parts.append(_train(report.learned))
    parts += [_next(report), _bottom(report)]
    return document(f"hark demo: {report.model}", parts, style=beside(Path(__file__), "page.css"))


def rows_of(events: Sequence[Event]) -> list[int]:
    """The row in which each event is drawn, so that no two in a row are heard at once."""
    free_s: list[float] = []  # from when on each row is free
    rows = {}
    for place in sorted(range(len(events)), key=lambda i: events[i].start_s):
        event = events[place]
        row = next((row for row, free in enumerate(free_s) if free <= event.start_s), len(free_s))
        free_s[row : row + 1] = [event.end_s]
        rows[place] = row
    return [rows[place] for place in range(len(events))]


def _top(report: Report) -> str:
    if report.sounds.scenes is None:
        searched = f"sounds in {escape(str(report.sounds.folder))}"
    else:
        searched = "synthesised scenes, of which it is known what is heard when"
    lead = f'<p class="lead">The model <b>{escape(report.model)}</b> on {searched}.</p>'
    return f"<h1>Sounds, found by describing them</h1>\n{lead}"


def _facts(report: Report) -> str:
    indexed = report.indexed
    facts = [
        ("searched", f"{indexed.files}", "files"),
        ("indexed", words.duration(indexed.audio_s), f"in {indexed.seconds:.0f} s"),
        ("speed", f"{indexed.speed:.0f} {TIMES}", "real time"),
    ]
    right, given, lot = words.found(report.asked)
    if report.sounds.scenes is not None:
        facts.append(("right answers", f"{right} of {given}", f"by lot {lot:.1f}"))
    if report.learned is not None:
        best = report.learned.best
        facts.append(("trained from scratch", f"{best.map_at_10 / best.chance:.0f} {TIMES}", "chance"))
    cells = (f"<div><dt>{name}</dt><dd>{value} <small>{unit}</small></dd></div>" for name, value, unit in facts)
    return f'<dl class="facts">{"".join(cells)}</dl>'


def _search(report: Report, strips: Mapping[Answer, Strip]) -> str:
    said = "The best three files for each question, each with its best window (white frame): click it to listen."
    if report.sounds.scenes is not None:
        said += " The bars below tell what is really heard; what was asked for is green."
    cards = [_card(asked, strips) for asked in report.asked]
    return "\n".join(["<h2>Search</h2>", f'<p class="soft">{said}</p>', *cards])


def _card(asked: Asked, strips: Mapping[Answer, Strip]) -> str:
    known = f'<span class="soft">in {asked.holding} of {asked.among} scenes</span>' if asked.holding is not None else ""
    figures = "\n".join(_figure(answer, asked.kinds, strips[answer]) for answer in asked.answers)
    return (
        f'<section class="asked"><header><h3>“{escape(asked.text)}”</h3>{known}</header>\n'
        f'<div class="answers">\n{figures}\n</div></section>'
    )


def _figure(answer: Answer, kinds: Sequence[str], strip: Strip) -> str:
    when = words.span(answer.start_s, answer.end_s)
    verdict = ""
    if answer.right is not None:
        verdict = f'<span class="verdict{" yes" if answer.right else ""}">{words.verdict(answer)}</span>'
    name = escape(answer.name)
    picture = f'<img alt="Spectrogram of {name}" src="{strip.picture}">' if strip.picture is not None else ""
    ends = f"<span>{figures.clock(strip.start_s)}</span><span>{figures.clock(strip.end_s)}</span>"
    return (
        f'<figure><figcaption><span class="file" title="{name}">{name}</span>'
        f'<span class="when">{when.replace("-", "&ndash;")}</span>{verdict}'
        f'<span class="score">{answer.score:.3f}</span></figcaption>\n'
        f'<div class="strip">{picture}<button class="span" style="{_placed(strip, answer.start_s, answer.end_s)}" '
        f'aria-label="Play {when} of {name}" data-sound="{strip.sound}"><i></i></button></div>\n'
        f"{_lane(answer.events, kinds, strip)}"
        f'<div class="axis">{ends}</div></figure>'
    )


def _lane(events: Sequence[Event], kinds: Sequence[str], strip: Strip) -> str:
    if not events:
        return ""
    rows = rows_of(events)
    bars = [
        f'<span class="event{" wanted" if event.label in kinds else ""}" title="{escape(event.label)}" '
        f'style="{_placed(strip, event.start_s, event.end_s)};top:{row * LANE}px">{escape(event.label)}</span>'
        for event, row in zip(events, rows, strict=True)
    ]
    return f'<div class="lane" style="height:{(max(rows) + 1) * LANE}px">{"".join(bars)}</div>\n'


def _placed(strip: Strip, start_s: float, end_s: float) -> str:
    whole = strip.end_s - strip.start_s
    return f"left:{100 * (start_s - strip.start_s) / whole:.2f}%;width:{100 * (end_s - start_s) / whole:.2f}%"


def _measure(measured: Measured) -> str:
    there, back = measured.report.text_to_audio, measured.report.audio_to_text
    rows = []
    for name, value in there.metrics.items():
        cells = _cells(name, value, measured.guess_text_to_audio.get(name))
        cells += _cells(name, back.metrics[name], measured.guess_audio_to_text.get(name))
        rows.append(f"<tr><th>{escape(name)}</th>{cells}</tr>")
    return (
        "<h2>Retrieval</h2>\n"
        f'<p class="soft">{there.queries} captions and {there.items} scenes, searched both ways. Behind each value its '
        f"{measured.report.level:.0%} bootstrap interval; the upright mark is a ranking by lot.</p>"
        '<div class="scroll"><table><tr><th></th><th>text to sound</th><th>sound to text</th></tr>'
        f"{''.join(rows)}</table></div>"
    )


def _cells(name: str, value: Estimate, guess: float | None) -> str:
    figure, _, interval = figures.estimate(name, value).partition(" ")
    track = ""
    if guess is not None:
        track = (
            f'<span class="track"><i style="width:{100 * value.value:.1f}%"></i>'
            f'<s style="left:{100 * value.low:.1f}%;width:{100 * (value.high - value.low):.1f}%"></s>'
            f'<u style="left:{100 * guess:.1f}%" title="by lot {guess:.3f}"></u></span>'
        )
    return f"<td>{track}<b>{figure}</b> <small>{interval}</small></td>"


def _train(learned: Learned) -> str:
    best, points = learned.best, learned.points
    ends = [0, *(point.step for point in points)]
    loss = svg(  # a mean stands in the middle of the steps that it is of
        [((first + last) / 2, point.loss) for first, last, point in zip(ends[:-1], ends[1:], points, strict=True)],
        title="The loss falls",
        faint=[(step + 1, loss) for step, loss in enumerate(learned.losses)],
    )
    rise = svg(
        [(point.step, point.map_at_10) for point in points],
        title="mAP@10 rises",
        level=("chance", best.chance),
        top=1.0,
    )
    return (
        "<h2>Training</h2>\n"
        f'<p class="soft">The recipe <b>{escape(learned.recipe)}</b>, from random weights, on synthesised sounds: '
        f"{points[-1].step} steps in {learned.seconds:.0f} s. On sounds that it has not heard it reaches mAP@10 "
        f"{best.map_at_10:.3f}, and for {best.accuracy:.0%} of them the first sentence found is true.</p>"
        f'<div class="curves"><figure><figcaption>Loss</figcaption>{loss}</figure>'
        f"<figure><figcaption>mAP@10, text to sound</figcaption>{rise}</figure></div>"
    )


def _next(report: Report) -> str:
    commands = words.commands(report)
    width = max(len(command) for command, _ in commands)
    lines = (f"{escape(command.ljust(width))}  <span># {escape(why)}</span>" for command, why in commands)
    return f"<h2>Now your own sounds</h2>\n<pre>{chr(10).join(lines)}</pre>"


def _bottom(report: Report) -> str:
    made = ", ".join(f"{name} {version}" for name, version in report.made_by.items())
    took = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in report.seconds.items())
    return (
        f"<footer><p>Took {escape(took)}.</p><p>{escape(report.model)} {escape(report.stamp)}; made by {escape(made)}. "
        "The synthesised sounds were never recorded: they are free of rights.</p></footer>"
    )
