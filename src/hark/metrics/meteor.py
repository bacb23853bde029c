"""METEOR 1.5: words aligned with a reference by form, stem, synonym and paraphrase (Denkowski and Lavie 2014).

The authors' own program, in Java, asked as the COCO caption evaluation asks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hark.core.errors import HarkError
from hark.metrics.java import VARIABLE, Program
from hark.metrics.ngrams import check as check_references

PROGRAM = Program(
    name="METEOR",
    folder="meteor",
    files=("meteor-1.5.jar", "data/paraphrase-en.gz"),
    get=f"`pip install pycocoevalcap` brings them, or set {VARIABLE} to a folder that has meteor/ from METEOR 1.5 "
    "(cs.cmu.edu/~alavie/METEOR)",
)
_BETWEEN = " ||| "


@dataclass(frozen=True)
class Meteor:
    """METEOR of a set of captions, from summed counts, and of each, (clips,)."""

    corpus: float
    per_clip: NDArray[np.float64]


def check() -> None:
    """Raises Missing, which tells how to get what is missing, where METEOR cannot be measured here."""
    PROGRAM.check()


def meteor(candidates: Sequence[str], references: Sequence[Sequence[str]], *, timeout_s: float = 600.0) -> Meteor:
    """METEOR of `candidates` (clips), given one or more references for each clip.

    Raises Missing where Java or the program is not there, HarkError where it fails or is late, ValueError where a clip
    has no references.
    """
    check_references(candidates, references)
    lines = [
        _BETWEEN.join(["SCORE", *map(_plain, theirs), _plain(own)])
        for own, theirs in zip(candidates, references, strict=True)
    ]
    options = ["-Xmx2G", "-Dfile.encoding=UTF-8"]
    with PROGRAM.started(options, ["-", "-", "-stdio", "-l", "en", "-norm"], timeout_s=timeout_s) as program:
        counts = program.ask(lines, answers=len(lines))
        values = program.ask([_BETWEEN.join(["EVAL", *counts])], answers=len(lines) + 1)
    try:
        numbers = [float(value) for value in values]
    except ValueError as error:
        raise HarkError(f"METEOR: it answered what is no number ({error})") from error
    return Meteor(corpus=numbers[-1], per_clip=np.array(numbers[:-1]))


def _plain(text: str) -> str:
    """On one line, and without what stands between texts."""
    return " ".join(text.replace("|||", " ").split())
