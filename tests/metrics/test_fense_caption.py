"""Likeness of sentences by their embeddings, against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hark.metrics.captioning import caption_metrics
from hark.metrics.fense import penalised, similarity


def test_it_is_the_mean_cosine() -> None:
    turned = [[math.cos(angle), math.sin(angle)] for angle in (0.3, -0.3, math.pi / 2)]
    found = similarity([[5.0, 0.0], [0.0, 2.0]], [turned, [[0.0, 0.1]]])
    np.testing.assert_allclose(found, [2 * math.cos(0.3) / 3, 1.0])


def test_nothing_is_like_nothing() -> None:
    np.testing.assert_array_equal(similarity([[0.0, 0.0]], [[[1.0, 0.0]]]), [0.0])


def test_nine_tenths_are_lost_above_the_threshold() -> None:
    np.testing.assert_allclose(penalised([0.8, 0.8, 0.8], [0.91, 0.9, 0.0]), [0.08, 0.8, 0.8])
    np.testing.assert_allclose(penalised([0.8], [0.5], threshold=0.4, penalty=0.5), [0.4])


@pytest.mark.parametrize(
    ("candidates", "references"),
    [([[1.0]], []), ([1.0], [[[1.0]]]), ([[1.0]], [np.zeros((0, 1))]), ([[1.0]], [[[1.0, 2.0]]])],
)
def test_shapes_must_fit(candidates, references) -> None:
    with pytest.raises(ValueError, match=r"shape|references"):
        similarity(candidates, references)


@pytest.mark.parametrize("errors", [[0.1, 0.2], [1.5], [math.nan]])
def test_errors_are_probabilities(errors) -> None:
    with pytest.raises(ValueError, match="probabilities"):
        penalised([1.0], errors)


def test_among_the_caption_metrics() -> None:
    candidates, references = ["a dog", "rain"], [["a dog barks"], ["it rains", "rain"]]
    embeddings = [[1.0, 0.0], [0.0, 1.0]], [[[1.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]]
    whole, clips = caption_metrics(candidates, references, embeddings=embeddings, errors=[1.0, 0.0])
    np.testing.assert_allclose(clips["sentence similarity"], [math.sqrt(0.5), 0.5])
    np.testing.assert_allclose(clips["sentence similarity-FL"], [math.sqrt(0.5) / 10, 0.5])
    assert whole["sentence similarity"] == pytest.approx((math.sqrt(0.5) + 0.5) / 2)
    assert "SPIDEr-FL" not in whole
    with pytest.raises(ValueError, match="2 candidates and 1"):
        caption_metrics(candidates, references, embeddings=([[1.0]], [[[1.0]]]))
    with pytest.raises(ValueError, match="'WER' is not among CIDEr, METEOR, SPICE"):
        caption_metrics(candidates, references, also=["WER"])
