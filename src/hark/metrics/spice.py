"""SPICE: the F-score of objects, attributes and relations that captions and references name (Anderson et al. 2016).

The authors' own program, in Java, asked as the COCO caption evaluation asks it. Captions are parsed with Stanford
CoreNLP 3.6.0, which no package brings.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hark.core.errors import HarkError
from hark.metrics.java import VARIABLE, Program
from hark.metrics.ngrams import check as check_references

_CORENLP = "stanford-corenlp-3.6.0"
PROGRAM = Program(
    name="SPICE",
    folder="spice",
    files=("spice-1.0.jar", f"lib/{_CORENLP}.jar", f"lib/{_CORENLP}-models.jar"),
    get=f"`pip install pycocoevalcap` brings spice/ without CoreNLP, whose two files are in "
    f"nlp.stanford.edu/software/stanford-corenlp-full-2015-12-09.zip: put them into its lib/, or set {VARIABLE} to a "
    "folder with such a spice/",
    newest=14,
    newest_why="SPICE writes its result with the JavaScript that Java had up to 14",
)


def check() -> None:
    """Raises Missing, which tells how to get what is missing, where SPICE cannot be measured here."""
    PROGRAM.check()


def spice(
    candidates: Sequence[str], references: Sequence[Sequence[str]], *, timeout_s: float = 3600.0
) -> NDArray[np.float64]:
    """SPICE of each of `candidates` (clips), given one or more references for each clip; NaN where it has none.

    The field reports the mean.

    Raises Missing where Java, the program or CoreNLP is not there, HarkError where it fails or is late, ValueError
    where a clip has no references.
    """
    check_references(candidates, references)
    asked = [
        {"image_id": clip, "test": own, "refs": list(theirs)}
        for clip, (own, theirs) in enumerate(zip(candidates, references, strict=True))
    ]
    arguments = ["captions.json", "-out", "scores.json", "-subset", "-silent"]
    files = {"captions.json": json.dumps(asked)}
    with PROGRAM.started(["-Xmx8G"], arguments, timeout_s=timeout_s, files=files) as program:
        program.wait()
        try:
            told = json.loads((program.folder / "scores.json").read_text(encoding="utf-8"))
            scores = {item["image_id"]: item["scores"]["All"]["f"] for item in told}
            values = [scores[clip] for clip in range(len(candidates))]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise HarkError(f"SPICE: it wrote no scores that can be read ({error!r})") from error
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
