"""Every corpus that hark knows, as its card says: for `hark data list` and the page of corpora."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hark.core import component
from hark.data.card import Card

KIND = "data.corpora"
INTRODUCTION = """\
# Corpora

A corpus is one file in `src/hark/data/corpora`; its name stands in recipes and after `hark data`. This page is made
from the cards in those files. What a card does not say is not known to us: no number here is a guess.

A corpus without splits of its own has hark's `train` and `test`, 90/10 by recording as LAION-CLAP has it, and a setting
`seed` that draws another. For sounds of your own (`folder`, `hf_audiofolder`, `parquet`) `resplit` does that, and for
any corpus another division than the published one:

```toml
corpus = { name = "resplit", path = "sounds", part = "train", by = "place", of = { name = "folder", table = "t.csv" } }
```

is nine tenths of the recordings that the column `place` tells (without `by`: of the Freesound ids, or of the clips),
drawn by `seed`; `part = "rest"` are the others.
"""


def cards() -> list[tuple[str, Card]]:
    """The name and card of every corpus that has one, sorted by name; those of plug-ins too.

    `folder`, `webdataset` and other forms of a user's own have none.

    Raises SettingError for a plug-in that does not load.
    """
    found = ((name, getattr(component.module(KIND, name), "CARD", None)) for name in component.names(KIND))
    return [(name, card) for name, card in found if isinstance(card, Card)]


def counts(of: Mapping[str, int]) -> str:
    """Counts by split in one line: "1,000", or "train 800, test 200"; empty where none is known."""
    return ", ".join(f"{count:,}" if split == "all" else f"{split} {count:,}" for split, count in of.items())


def how_to_get(name: str, card: Card) -> str:
    """What a user has to do to have it: the command that fetches what is public, its choices, and the rest."""
    if not card.archives:
        return card.get
    choices: dict[str, dict[str, None]] = {}
    for archive in card.archives:
        for key, value in archive.only.items():
            choices.setdefault(key, {})[value] = None
    said = "".join(f" (`--set {key}=` {', '.join(sorted(values))})" for key, values in choices.items())
    return f"`hark data download {name}`{said}. {card.get}"


def as_markdown(listed: Sequence[tuple[str, Card]] | None = None) -> str:
    """The page of corpora (of all `cards()` unless given): a table, then defects and citations."""
    listed = cards() if listed is None else listed
    lines = [INTRODUCTION, *_row("corpus", "for", "clips", "hours", "licence", "how to get it")]
    lines += _row(*["---"] * 6)
    for name, card in listed:
        hours = "" if card.hours is None else f"{card.hours:,g}"
        lines += _row(f"[`{name}`](#{name})", card.use, counts(card.clips), hours, card.licence, how_to_get(name, card))
    for name, card in listed:
        lines += ["", *_section(name, card)]
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> list[str]:
    return ["| " + " | ".join(_cell(cell) for cell in cells) + " |"]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _section(name: str, card: Card) -> list[str]:
    version = f", version {card.version}" if card.version else ""
    lines = [f"## {name}", "", f"[{card.title}]({card.homepage}){version}. {card.citation}"]
    if card.captions:
        lines += ["", f"Captions: {counts(card.captions)}."]
    if card.defects:
        lines += ["", "Known defects:", "", *(f"- {' '.join(defect.split())}" for defect in card.defects)]
    return lines
