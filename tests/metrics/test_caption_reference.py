"""Caption metrics against `pycocoevalcap` on real captions of Clotho and AudioCaps, and CIDEr against scikit-learn."""

from __future__ import annotations

import csv
import os
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from hark.metrics.bleu import bleu
from hark.metrics.captioning import caption_metrics
from hark.metrics.cider import Cider, CiderD
from hark.metrics.meteor import check as meteor_check
from hark.metrics.meteor import meteor
from hark.metrics.rouge import rouge_l
from hark.text.ptb import tokenise

CAPTIONS = Path(os.environ.get("HARK_CAPTIONS", "../shared/captions"))
FILES = {"clotho": "clotho_captions_evaluation.csv", "audiocaps": "audiocaps_v1_test.csv"}
NEAR = {"atol": 1e-6, "rtol": 0}


@dataclass(frozen=True)
class Sets:
    candidates: list[str]
    references: list[list[str]]

    @property
    def theirs(self) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
        return dict(enumerate(self.references)), {clip: [text] for clip, text in enumerate(self.candidates)}


def read(name: str) -> list[list[str]]:
    """The captions of each clip, cut into words."""
    path = CAPTIONS / FILES[name]
    if not path.is_file():
        pytest.skip(f"no {path}; HARK_CAPTIONS names its folder")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    clips: dict[str, list[str]] = {}
    for row in rows:
        if name == "clotho":
            clips[row["file_name"]] = [row[f"caption_{k}"] for k in range(1, 6)]
        else:
            clips.setdefault(f"{row['youtube_id']} {row['start_time']}", []).append(row["caption"])
    return [[" ".join(tokenise(text)) for text in texts] for texts in clips.values()]


@pytest.fixture(scope="module", params=FILES)
def sets(request: pytest.FixtureRequest) -> Sets:
    """One caption of each clip against the others: as it is, of another clip, cut short, said twice, or in disorder."""
    pytest.importorskip("pycocoevalcap.cider.cider", reason="pycocoevalcap is not installed")
    rng = random.Random(0)
    clips = read(request.param)
    candidates = []
    for clip, texts in enumerate(clips):
        words = texts[0].split()
        ways = [
            texts[0],
            rng.choice(clips[rng.randrange(len(clips))]),
            " ".join(words[: max(1, len(words) // 2)]),
            " ".join([*words, *words[-3:]]),
            " ".join(rng.sample(words, len(words))),
        ]
        candidates.append(ways[clip % len(ways)])
    return Sets(candidates, [texts[1:] for texts in clips])


def test_there_are_enough(sets: Sets) -> None:
    assert len(sets.candidates) >= 950  # of each corpus
    assert all(sets.references)


def test_bleu(sets: Sets) -> None:
    from pycocoevalcap.bleu.bleu import Bleu

    corpus, each = Bleu(4).compute_score(*sets.theirs, verbose=0)
    ours = bleu(sets.candidates, sets.references)
    np.testing.assert_allclose(ours.corpus, corpus, **NEAR)
    np.testing.assert_allclose(ours.per_clip, each, **NEAR)


def test_rouge(sets: Sets) -> None:
    from pycocoevalcap.rouge.rouge import Rouge

    mean, each = Rouge().compute_score(*sets.theirs)
    ours = rouge_l(sets.candidates, sets.references)
    np.testing.assert_allclose(ours, each, **NEAR)
    np.testing.assert_allclose(ours.mean(), mean, **NEAR)


def test_cider_d(sets: Sets) -> None:
    from pycocoevalcap.cider.cider import Cider as Theirs

    mean, each = Theirs().compute_score(*sets.theirs)
    ours = CiderD.of(sets.references).score(sets.candidates, sets.references)
    np.testing.assert_allclose(ours, each, **NEAR)
    np.testing.assert_allclose(ours.mean(), mean, **NEAR)
    assert each.std() > 0.1


def test_cider_d_is_the_same_in_small_batches_with_the_frequencies_of_all(sets: Sets) -> None:
    from pycocoevalcap.cider.cider import Cider as Theirs

    _, each = Theirs().compute_score(*sets.theirs)
    cider = CiderD.of(sets.references)
    for _ in range(2):  # the second time, with references that it knows
        parts = [cider.score(sets.candidates[at : at + 7], sets.references[at : at + 7]) for at in range(0, 350, 7)]
        np.testing.assert_allclose(np.concatenate(parts), each[:350], **NEAR)


def test_cider_d_of_references_that_are_not_in_the_set(sets: Sets) -> None:
    from pycocoevalcap.cider.cider_scorer import CiderScorer

    half = len(sets.candidates) // 2
    scorer = CiderScorer()
    for own, theirs in zip(sets.candidates[:half], sets.references[:half], strict=True):
        scorer += (own, theirs)
    counted = CiderScorer()
    for theirs in sets.references[half : 2 * half]:  # as many, so that its logarithm is the same
        counted += ("", theirs)
    counted.compute_doc_freq()
    scorer.document_frequency = counted.document_frequency
    ours = CiderD.of(sets.references[half : 2 * half])
    np.testing.assert_allclose(
        ours.score(sets.candidates[:half], sets.references[:half]), scorer.compute_cider(), **NEAR
    )


def test_plain_cider_is_the_cosine_of_weighted_counts(sets: Sets) -> None:
    text = pytest.importorskip("sklearn.feature_extraction.text")
    count = 150
    candidates, references = sets.candidates[:count], sets.references[:count]
    flat = [reference for theirs in references for reference in theirs]
    wanted = np.zeros(count)
    for size in range(1, 5):
        counter = text.CountVectorizer(
            tokenizer=str.split, token_pattern=None, lowercase=False, ngram_range=(size, size)
        )
        counter.fit([*candidates, *flat])
        clips = [counter.transform(theirs).max(axis=0).toarray()[0] > 0 for theirs in references]
        rarity = np.log(count) - np.log(np.maximum(1, np.sum(clips, axis=0)))
        own = counter.transform(candidates).toarray() * rarity
        for clip, theirs in enumerate(references):
            other = counter.transform(theirs).toarray() * rarity
            norms = np.linalg.norm(own[clip]) * np.linalg.norm(other, axis=1)
            cosines = np.divide(other @ own[clip], norms, out=np.zeros(len(other)), where=norms > 0)
            wanted[clip] += 10 * cosines.mean() / 4
    np.testing.assert_allclose(Cider.of(references).score(candidates, references), wanted, **NEAR)


def test_all_of_them_by_name(sets: Sets) -> None:
    whole, clips = caption_metrics(sets.candidates, sets.references, also=["CIDEr"])
    assert list(whole) == list(clips) == [*(f"BLEU-{k}" for k in range(1, 5)), "ROUGE-L", "CIDEr", "CIDEr-D"]
    assert (clips["CIDEr"] >= clips["CIDEr-D"] - 1e-9).all()  # clipping and the penalty only take away


@pytest.mark.slow
def test_meteor(sets: Sets) -> None:
    from pycocoevalcap.meteor.meteor import Meteor as Theirs

    from hark.metrics.java import Missing

    try:
        meteor_check()
    except Missing as missing:
        pytest.skip(str(missing))
    some = Sets(sets.candidates[:60], sets.references[:60])
    theirs = Theirs()
    try:
        corpus, each = theirs.compute_score(*some.theirs)
    finally:
        theirs.meteor_p.kill()
        theirs.meteor_p.wait()
        for pipe in (theirs.meteor_p.stdin, theirs.meteor_p.stdout, theirs.meteor_p.stderr):
            pipe.close()
    ours = meteor(some.candidates, some.references)
    np.testing.assert_allclose(ours.per_clip, each, **NEAR)
    assert ours.corpus == pytest.approx(corpus, abs=1e-6)
