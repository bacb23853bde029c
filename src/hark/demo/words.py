"""A demonstration told in plain text, part by part, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hark.demo.parts import Answer, Asked, Indexed, Learned, Measured, Part, Point, Report, Sounds
from hark.eval.report.figures import clock, estimate

BARS = "▁▂▃▄▅▆▇█"
NAME = 34  # characters of a file's name that are shown


def of(part: Part) -> str:
    """What is said of a part, one or several lines."""
    match part:
        case Sounds():
            return _sounds(part)
        case Indexed():
            return _indexed(part)
        case Asked():
            return _asked(part)
        case Measured():
            return _measured(part)
        case Point():
            return _point(part)
        case Learned():
            return _learned(part)


def ending(report: Report) -> str:
    """What comes last: the sum of the answers, the report, and the commands to try."""
    lines = []
    if report.sounds.scenes is not None:
        right, given, lot = found(report.asked)
        lines += [
            f"{right} of {given} answers are right; of scenes picked by lot {lot:.1f} would hold what was asked for"
        ]
    if report.measured is None:
        lines += ["", "retrieval is not measured: it takes captions, and a folder alone has none"]
    total = sum(report.seconds.values())
    lines += [f"report: {report.out / 'report.html'}  ({total:.0f} s in all)", "", "Now your own sounds:"]
    width = max(len(command) for command, _ in commands(report))
    lines += [f"  {command.ljust(width)}  {why}" for command, why in commands(report)]
    return "\n".join(lines)


def commands(report: Report) -> list[tuple[str, str]]:
    """Commands to go on with, and what each is for."""
    out = report.out
    tried = [
        ("hark index ~/Sounds", "make a folder searchable; run it again after changes"),
        ('hark search "a dog barks"', "find by words, down to the second"),
        ("hark search --like example.wav", "find by an example sound"),
        (f'hark search "rain" --library {quoted(out / "library")}', "search what was indexed here"),
        ("hark eval mini --on captions.csv", "measure on sounds and captions of your own"),
    ]
    if report.learned is not None:
        tried.append(("hark train tiny", "train the small model again, or a recipe of your own"))
    return tried


def quoted(path: Path) -> str:
    """The path as a shell takes it."""
    text = str(path)
    return f"'{text}'" if " " in text else text


def found(asked: Sequence[Asked]) -> tuple[int, int, float]:
    """How many answers are right, how many were given, and how many scenes picked by lot would hold what was asked."""
    answers = [answer for each in asked for answer in each.answers]
    lot = sum(len(each.answers) * (each.holding or 0) / each.among for each in asked)
    return sum(bool(answer.right) for answer in answers), len(answers), lot


def verdict(answer: Answer) -> str:
    """Whether an answer is right, and how much of the span is what was asked for."""
    if answer.right is None or answer.heard_s is None:
        return ""
    return f"yes, {answer.heard_s:.1f} s" if answer.right else "no"


def spark(values: Sequence[float]) -> str:
    """The values as bars, from 0 up to the highest."""
    high = max([*values, 1e-12])
    return "".join(BARS[min(len(BARS) - 1, int(max(value, 0.0) / high * len(BARS)))] for value in values)


def span(start_s: float, end_s: float) -> str:
    """A stretch of time, in minutes and seconds."""
    return f"{clock(start_s)}-{clock(end_s)}"


def duration(seconds: float) -> str:
    """Seconds in words: "24 min", "1.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _sounds(part: Sounds) -> str:
    if part.scenes is None or part.audio_s is None:
        return f"SOUNDS  your own, in {part.folder}\n"
    return (
        f"SOUNDS  {part.scenes} scenes, {duration(part.audio_s)} of sound, composed in {part.seconds:.1f} s\n"
        f"        {part.folder}\n"
    )


def _indexed(part: Indexed) -> str:
    took = f"{duration(part.audio_s)} of sound in {part.seconds:.1f} s, {part.speed:.0f} x real time"
    lines = [f"INDEX   {part.files} files, {part.windows} windows: {took}", f"        {part.library}"]
    if part.unreadable:
        lines.append(f"        {len(part.unreadable)} files cannot be read, first {part.unreadable[0]}")
    return "\n".join([*lines, "", "SEARCH"])


def _asked(part: Asked) -> str:
    heading = f'  "{part.text}"'
    if part.holding is not None:
        heading += f"  (in {part.holding} of {part.among} scenes)"
    lines = [heading]
    names = [answer.name if len(answer.name) <= NAME else f"…{answer.name[1 - NAME :]}" for answer in part.answers]
    width = max(map(len, names))
    for answer, name in zip(part.answers, names, strict=True):
        line = f"    {answer.score:6.3f}  {name:<{width}}  {span(answer.start_s, answer.end_s):<13}  {verdict(answer)}"
        lines.append(line.rstrip())
    return "\n".join(lines)


def _measured(part: Measured) -> str:
    there, back = part.report.text_to_audio, part.report.audio_to_text
    rows = [("", "text to sound", "guess", "sound to text", "guess")]
    for name, value in there.metrics.items():
        guesses = [part.guess_text_to_audio.get(name), part.guess_audio_to_text.get(name)]
        first, second = ("" if guess is None else f"{guess:.3f}" for guess in guesses)
        rows.append((name, estimate(name, value), first, estimate(name, back.metrics[name]), second))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    heading = f"\nMEASURE {there.queries} captions, {there.items} scenes; [95 % interval]; guess: a ranking by lot"
    return "\n".join([heading, *(f"  {line}" for line in table), ""])


def _point(part: Point) -> str:
    return (
        f"TRAIN   step {part.step:>4} of {part.steps}: loss {part.loss:.3f}, mAP@10 {part.map_at_10:.3f}, "
        f"accuracy {part.accuracy:.3f}"
    )


def _learned(part: Learned) -> str:
    best = part.best
    above = f"{best.map_at_10 / best.chance:.0f} x chance ({best.chance:.3f})"
    return "\n".join(
        [
            f"        loss    {spark([point.loss for point in part.points])}",
            f"        mAP@10  {spark([point.map_at_10 for point in part.points])}",
            f"        '{part.recipe}' from scratch in {part.seconds:.0f} s: mAP@10 {best.map_at_10:.3f}, {above}",
            "",
        ]
    )
