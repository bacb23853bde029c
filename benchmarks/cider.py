"""CIDEr-D as a reward beside `pycocoevalcap`: `python -m benchmarks.cider --captions FOLDER`.

FOLDER has clotho_captions_development.csv. A batch is that of self-critical training: captions of some clips, several
for each, against the clip's five references. A caption is one of the corpus with some words replaced, left out or said
again. Both measure the same batches in turn, a new one each time; every value is compared.

    cold     the batch's references count the frequencies, as in `pycocoevalcap`, and are new to hark
    reward   as in training: frequencies of the whole corpus, counted once, and references that were seen before;
             `pycocoevalcap` is given the frequencies, and has to cook its references, which it cannot keep
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.machine import Machine, machine
from hark.core.files import write_text
from hark.metrics.cider import CiderD
from hark.text.ptb import tokenise

RESULTS = Path(__file__).parent / "results" / "cider.json"
FILE = "clotho_captions_development.csv"
WANTED = 10.0

Batch = tuple[list[str], list[list[str]]]


@dataclass(frozen=True)
class Spread:
    """The least, the median and the most of the repetitions."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of repetitions."""
        return cls(min(values), statistics.median(values), max(values))


@dataclass(frozen=True)
class Row:
    """Processor seconds for a batch; `ratio` is within a repetition, `apart` how far two values are at most."""

    hark_s: Spread
    theirs_s: Spread
    ratio: Spread
    apart: float


@dataclass(frozen=True)
class Result:
    """All that one run found; `once_s` is what counting the frequencies of the corpus takes, once in a training."""

    machine: Machine
    pycocoevalcap: str
    clips: int
    each: int
    repeats: int
    once_s: float
    cold: Row
    reward: Row


def read(folder: Path) -> list[list[str]]:
    """The captions of each clip, cut into words."""
    with (folder / FILE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [[" ".join(tokenise(row[f"caption_{k}"])) for k in range(1, 6)] for row in rows]


def batch(corpus: Sequence[Sequence[str]], clips: int, each: int, rng: random.Random) -> Batch:
    """Captions of some clips, `each` for one, and the references of every caption."""
    words = [word for texts in corpus[:200] for word in texts[0].split()]
    said, references = [], []
    for clip in rng.sample(range(len(corpus)), clips):
        for _ in range(each):
            text = rng.choice(corpus[clip]).split()
            for _ in range(len(text) // 3):
                at = rng.randrange(len(text))
                text[at : at + 1] = rng.choice([[rng.choice(words)], [], [text[at], text[at]]])
                text = text or [rng.choice(words)]
            said.append(" ".join(text))
            references.append(list(corpus[clip]))
    return said, references


def theirs(given: Batch) -> Any:
    """The package's values, with the batch's frequencies."""
    from pycocoevalcap.cider.cider import Cider

    said, references = given
    return Cider().compute_score(dict(enumerate(references)), {at: [text] for at, text in enumerate(said)})[1]


def theirs_with(corpus: Sequence[Sequence[str]]) -> Callable[[Batch], Any]:
    """The package's values, with the frequencies of a corpus."""
    import numpy as np
    from pycocoevalcap.cider.cider_scorer import CiderScorer

    counted = CiderScorer()
    for texts in corpus:
        counted += ("", list(texts))
    counted.compute_doc_freq()
    documents = math.log(len(corpus))

    class Scorer(CiderScorer):  # type: ignore[misc]
        """The number of clips is the corpus's, not the batch's."""

        ref_len = property(lambda _: documents, lambda _, __: None)

    def measure(given: Batch) -> Any:
        scorer = Scorer()
        scorer.document_frequency = counted.document_frequency
        for own, right in zip(*given, strict=True):
            scorer += (own, right)
        return np.array(scorer.compute_cider())

    return measure


def timed(measure: Callable[[Batch], Any], given: Batch) -> tuple[float, Any]:
    """Processor seconds, and values."""
    started = time.process_time()
    values = measure(given)
    return time.process_time() - started, values


def compared(ours: Callable[[Batch], Any], others: Callable[[Batch], Any], batches: Sequence[Batch]) -> Row:
    """Both on every batch, in turn, the first one being the other each time; the first batch does not count."""
    taken: list[tuple[float, float]] = []
    apart = 0.0
    for at, given in enumerate(batches):
        order = (ours, others) if at % 2 else (others, ours)
        found = {measure: timed(measure, given) for measure in order}
        (mine_s, mine), (theirs_s, wanted) = found[ours], found[others]
        apart = max(apart, float(abs(mine - wanted).max()))
        taken.append((mine_s, theirs_s))
    counted = taken[1:]
    return Row(
        hark_s=Spread.of([mine for mine, _ in counted]),
        theirs_s=Spread.of([other for _, other in counted]),
        ratio=Spread.of([other / mine for mine, other in counted]),
        apart=apart,
    )


def run(folder: Path, *, clips: int, each: int, repeats: int) -> Result:
    """Both rows."""
    about = machine()
    corpus = read(folder)
    rng = random.Random(0)
    batches = [batch(corpus, clips, each, rng) for _ in range(repeats + 1)]
    started = time.process_time()
    cider = CiderD.of(corpus)
    once_s = time.process_time() - started
    for said, references in batches:
        cider.score(references[0][:1] * len(said), references)  # seen before, as after the first epoch
    return Result(
        machine=about,
        pycocoevalcap=version("pycocoevalcap"),
        clips=clips,
        each=each,
        repeats=repeats,
        once_s=once_s,
        cold=compared(lambda given: CiderD.of(given[1]).score(*given), theirs, batches),
        reward=compared(lambda given: cider.score(*given), theirs_with(corpus), batches),
    )


def table(found: Result) -> str:
    """The result, to be read."""
    about = found.machine
    lines = [
        f"{about.processor}, {about.cores} cores ({about.busy} busy before we began); processor time of one thread",
        f"{found.clips} clips x {found.each} captions against 5 references each; {found.repeats} batches",
        "median (least to most)",
    ]
    for name, row in (("cold", found.cold), ("reward", found.reward)):
        ms = [
            f"{1e3 * s.median:.1f} ({1e3 * s.least:.1f} to {1e3 * s.most:.1f}) ms" for s in (row.hark_s, row.theirs_s)
        ]
        ratio = f"{row.ratio.median:.1f} ({row.ratio.least:.1f} to {row.ratio.most:.1f}) times as fast"
        lines.append(f"  {name:7} hark {ms[0]}, pycocoevalcap {found.pycocoevalcap} {ms[1]}: {ratio}")
        lines.append(f"          values differ by {row.apart:.0e} at most")
    lines.append(f"  once    {found.once_s:.2f} s for the frequencies of all training captions")
    return "\n".join(lines)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cider", description=__doc__)
    parser.add_argument("--captions", type=Path, required=True, help=f"the folder with {FILE}")
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--each", type=int, default=5, help="captions of a clip")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--json", type=Path, help="where to save the result")
    parser.add_argument("--quick", action="store_true", help="only see that it runs; saves nothing without --json")
    told = parser.parse_args()
    found = run(told.captions, clips=told.clips, each=told.each, repeats=2 if told.quick else told.repeats)
    print(table(found))
    to = told.json or (None if told.quick else RESULTS)
    if to is not None:
        write_text(to, json.dumps(dataclasses.asdict(found), indent=2) + "\n")
        print(f"saved: {to}")
    if found.reward.ratio.median < WANTED or max(found.cold.apart, found.reward.apart) > 1e-6:
        sys.exit(1)


if __name__ == "__main__":
    main()
