"""Single queries as HTML: what was asked, what was found, and the clips to look at and listen to."""

from __future__ import annotations

from html import escape

from hark.data.records import Clip
from hark.eval.folder import Row
from hark.eval.report import figures
from hark.eval.report.evaluation import Evaluation
from hark.eval.report.listen import Heard, Listener
from hark.eval.report.way import Shown, Way

FOUND = 3  # clips shown of those that a text found
SAID = 5  # texts shown of those that a clip found


def card(shown: Shown, way: Way, evaluation: Evaluation, listener: Listener) -> str:
    """One query of a direction."""
    row = shown.row
    ranks = sorted(row.ranks)
    where = ", ".join(f"{rank:g}" for rank in ranks[:8]) + (", \N{HORIZONTAL ELLIPSIS}" if len(ranks) > 8 else "")
    told = f"right at {where} of {way.items:,}; average precision {shown.precision:.3f}"
    if way.name == "text_to_audio":
        heading, body = (
            f"\N{LEFT DOUBLE QUOTATION MARK}{row.query}\N{RIGHT DOUBLE QUOTATION MARK}",
            _clips(row, evaluation, listener),
        )
    else:
        heading, body = row.query, _texts(row, evaluation, listener)
    return (
        f'<section class="asked"><header><h3>{escape(heading)}</h3><span class="soft">{told}</span></header>\n'
        f'<div class="answers">\n{body}\n</div></section>'
    )


def _clips(row: Row, evaluation: Evaluation, listener: Listener) -> str:
    drawn = []
    for rank, item in enumerate(row.top[:FOUND], start=1):
        right = bool(item["relevant"])
        drawn.append(_figure(str(item["item"]), f"{rank}.", right, evaluation, listener, score=float(item["score"])))
    if not any(item["relevant"] for item in row.top[:FOUND]):
        known = [(rank, item) for rank, item in enumerate(row.top, start=1) if item["relevant"]]
        if known:
            rank, item = known[0]
            drawn.append(_figure(str(item["item"]), f"{rank}.", True, evaluation, listener, score=float(item["score"])))
        elif len(row.relevant) == 1:
            drawn.append(_figure(row.relevant[0], f"{min(row.ranks):g}.", True, evaluation, listener))
        else:
            drawn.append(_figure(row.relevant[0], "one of the right ones", True, evaluation, listener))
    return "\n".join(drawn)


def _texts(row: Row, evaluation: Evaluation, listener: Listener) -> str:
    items = [
        f"<li{_yes(bool(item['relevant']))}><span>{escape(str(item['item']))}</span> "
        f'<span class="score">{float(item["score"]):.3f}</span></li>'
        for item in row.top[:SAID]
    ]
    missing = [text for text in row.relevant if text not in {item["item"] for item in row.top[:SAID]}]
    rest = ""
    if missing:
        rank = f" at {min(row.ranks):g}" if len(row.relevant) == 1 else ""
        named = "; ".join(escape(text) for text in missing[:3]) + ("; \N{HORIZONTAL ELLIPSIS}" if missing[3:] else "")
        rest = f'<p class="right">right{rank}: {named}</p>'
    figure = _figure(row.query, "", None, evaluation, listener)
    return f'{figure}\n<div class="texts"><ol>{"".join(items)}</ol>{rest}</div>'


def _figure(
    name: str, rank: str, right: bool | None, evaluation: Evaluation, listener: Listener, *, score: float | None = None
) -> str:
    clip = evaluation.clips.get(name)
    heard = Heard(fault="not among the clips") if clip is None else listener.hear(clip)
    scored = "" if score is None else f'<span class="score">{score:.3f}</span>'
    caption = f'<span class="when">{escape(rank)}</span>{_name(name, heard)}{_verdict(right)}{scored}'
    if right is None and heard.link is None:
        caption = ""  # the heading has the name already
    caption = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f"<figure>{caption}\n{_strip(name, heard)}{_below(clip, heard)}</figure>"


def _verdict(right: bool | None) -> str:
    if right is None:
        return ""
    return f'<span class="verdict{" yes" if right else ""}">{"right" if right else "wrong"}</span>'


def _name(name: str, heard: Heard) -> str:
    if heard.link is not None:
        return f'<a class="file" title="{escape(name)}" href="{escape(heard.link)}">{escape(name)}</a>'
    return f'<span class="file" title="{escape(name)}">{escape(name)}</span>'


def _strip(name: str, heard: Heard) -> str:
    if heard.fault is not None:
        return f'<p class="notice">{escape(heard.fault)}</p>'
    picture = "" if heard.picture is None else f'<img alt="Spectrogram of {escape(name)}" src="{heard.picture}">'
    play = ""
    if heard.sound is not None:
        play = (
            f'<button class="span whole" aria-label="Play {escape(name)}" data-sound="{heard.sound}"><i></i></button>'
        )
    return f'<div class="strip">{picture}{play}</div>' if picture or play else ""


def _below(clip: Clip | None, heard: Heard) -> str:
    if clip is None or heard.fault is not None:
        return ""
    said = "; ".join((clip.captions or clip.labels)[:2])
    long = figures.clock(heard.shown_s)
    if heard.shown_s < heard.whole_s:
        long += f" of {figures.clock(heard.whole_s)}"
    return f'<div class="axis"><span title="{escape(said)}">{escape(said)}</span><span>{long}</span></div>'


def _yes(right: bool) -> str:
    return ' class="yes"' if right else ""
