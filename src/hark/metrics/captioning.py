"""What captions are worth against references, by the names of the field.

Words are what stands between blanks: the field lowers case and cuts with `hark.text.ptb` before. "CIDEr-D" is what most
papers print as CIDEr, and one half of SPIDEr; "CIDEr" here is the older measure without clipping.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hark.metrics import fense
from hark.metrics import meteor as meteor_program
from hark.metrics import spice as spice_program
from hark.metrics.bleu import bleu
from hark.metrics.cider import Cider, CiderD
from hark.metrics.rouge import rouge_l

MISSING_FLUENCY = (
    "it needs the probability of an error of language in each caption, which FENSE's classifier gives "
    "(echecker_clotho_audiocaps_base.ckpt of github.com/blmoistawinde/fense) and hark does not bring; in Python pass "
    "its numbers as `errors` to hark.metrics.captioning.caption_metrics"
)
JAVA: Mapping[str, Callable[[], None]] = {"METEOR": meteor_program.check, "SPICE": spice_program.check}
"""The measures that are Java programs; what is called raises Missing, which tells what is not there."""
ALSO = ("CIDEr", *JAVA)
"""What is measured only where it is asked for."""


def caption_metrics(
    candidates: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    cider: CiderD | None = None,
    also: Collection[str] = (),
    embeddings: tuple[ArrayLike, Sequence[ArrayLike]] | None = None,
    errors: ArrayLike | None = None,
) -> tuple[dict[str, float], dict[str, NDArray[np.float64]]]:
    """The measures of all clips together, and of each clip, (clips,): "BLEU-1" to "BLEU-4", "ROUGE-L", "CIDEr-D".

    `references` holds one or more for each clip. CIDEr-D counts in how many clips words occur; it counts them in
    `references` unless `cider` brings the numbers of another set. BLEU and METEOR of all are no means of the clips'.

    `also` asks for "CIDEr", "METEOR" or "SPICE", and the last brings "SPIDEr", the mean of it and CIDEr-D.
    `embeddings`, of candidates, (clips, dim), and of each clip's references, (its references, dim), bring "sentence
    similarity".
    `errors`, the probability of an error of language in each candidate, (clips,), bring "SPIDEr-FL" and
    "sentence similarity-FL" beside these.

    Raises ValueError where a clip has no references, a name in `also` is not known, or arrays do not fit; Missing where
    a Java program cannot be run, before anything is measured, and HarkError where it fails.
    """
    if unknown := [name for name in also if name not in ALSO]:
        raise ValueError(f"{unknown[0]!r} is not among {', '.join(ALSO)}")
    for name, check in JAVA.items():
        if name in also:
            check()
    measured = bleu(candidates, references)
    clips = {f"BLEU-{k}": values for k, values in enumerate(measured.per_clip, start=1)}
    corpus = {f"BLEU-{k}": float(value) for k, value in enumerate(measured.corpus, start=1)}
    clips["ROUGE-L"] = rouge_l(candidates, references)
    if "METEOR" in also:
        meteor = meteor_program.meteor(candidates, references)
        clips["METEOR"], corpus["METEOR"] = meteor.per_clip, meteor.corpus
    if "CIDEr" in also:
        clips["CIDEr"] = Cider.of(references).score(candidates, references)
    clips["CIDEr-D"] = (cider or CiderD.of(references)).score(candidates, references)
    if "SPICE" in also:
        clips["SPICE"] = spice_program.spice(candidates, references)
        clips["SPIDEr"] = (clips["CIDEr-D"] + clips["SPICE"]) / 2
    if embeddings is not None:
        clips["sentence similarity"] = fense.similarity(*embeddings)
        if len(clips["sentence similarity"]) != len(candidates):
            raise ValueError(f"{len(candidates)} candidates and {len(clips['sentence similarity'])} embeddings")
    if errors is not None:
        for name in ("SPIDEr", "sentence similarity"):
            if name in clips:
                clips[f"{name}-FL"] = fense.penalised(clips[name], errors)
    return {name: corpus.get(name, float(values.mean())) for name, values in clips.items()}, clips
