"""The model that comes with hark: its file is what its recipe says, and it is as good as its card says."""

import os
from pathlib import Path

import numpy as np
import pytest

from hark import recipe as recipes
from hark.data import manifest
from hark.eval import retrieval, zeroshot
from hark.models import weights
from hark.runtime.load import find, load


def test_the_weights_were_made_by_the_recipe_beside_them() -> None:
    saved = weights.open_file(find("mini"))
    assert saved.recipe == recipes.load("mini").source
    assert saved.recipe_name == "mini"
    assert set(saved.made_by) >= {"hark", "torch"}


def test_it_is_small_and_has_a_card() -> None:
    assert find("mini").stat().st_size <= 12_000_000
    card = find("mini").with_suffix(".md").read_text(encoding="utf-8")
    for word in ("licence", "CC BY-NC", "Limits", "ESC-50", "UrbanSound8K"):
        assert word in card


def test_words_that_were_never_labels_lie_near_their_synonyms() -> None:
    model = load("mini")
    labels = model.embed_text(["dog", "car horn", "crying baby", "rain", "church bells"])
    asked = model.embed_text(["canine", "automobile hooting", "infant wailing", "downpour", "bells tolling"])
    assert np.array_equal((asked @ labels.T).argmax(axis=1), np.arange(5))


@pytest.mark.slow
def test_it_is_as_good_as_its_card_says() -> None:
    """HARK_SOUNDS names a manifest with columns file, label, set and fold that holds ESC-50 fold 4."""
    named = os.environ.get("HARK_SOUNDS")
    if named is None:
        pytest.skip("HARK_SOUNDS names no manifest")
    clips = manifest.read(Path(named), where={"set": "esc50", "fold": "4"})
    model = load("mini")
    report = zeroshot.classify(model, clips, rng=np.random.default_rng(0))
    card = find("mini").with_suffix(".md").read_text(encoding="utf-8")
    assert f"{report.found.accuracy.value:.3f}" in card
    found = retrieval.evaluate(model, clips, rng=np.random.default_rng(0))
    assert f"{found.text_to_audio.metrics['mAP@10'].value:.3f}" in card
