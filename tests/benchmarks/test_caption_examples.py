"""The examples of captions are picked by a rule, and told beside all; the captioning benchmark can stop after words."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks are no part of the package

from benchmarks import caption_examples, captioning
from hark.data.records import Clip
from hark.recipe import captioner


def clips(folder: Path) -> list[Clip]:
    """Five clips of a noise each, with two sentences."""
    made = []
    for number, name in enumerate(("dog", "cow", "hen", "pig", "cat")):
        path = folder / f"{name}.wav"
        soundfile.write(path, 0.1 * np.random.default_rng(number).standard_normal(8000), 16000)
        made.append(Clip(id=f"x/{name}.wav", path=path, captions=(f"a {name} calls out", f"the {name} is calling")))
    return made


def test_rule_takes_as_many_evenly() -> None:
    assert caption_examples.every(10, of=396) == [0, 39, 79, 118, 158, 198, 237, 277, 316, 356]
    assert caption_examples.every(4, of=3) == [0, 1, 2]


def test_good_and_bad_alike(tmp_path: Path) -> None:
    given = clips(tmp_path)
    said = ["a dog calls out", "a dog calls out", "nothing else", "a pig calls out", "a cat calls out"]
    shown, whole = caption_examples.examples(said, given, count=3)
    assert [one.clip.id for one in shown] == ["x/dog.wav", "x/cow.wav", "x/pig.wav"]
    assert [one.rank for one in shown] == [1, 4, 1]  # the first of several that are as good is what all of them are
    assert shown[0].cider_d == pytest.approx(shown[2].cider_d)
    assert whole["CIDEr-D"] > shown[1].cider_d
    lines = caption_examples.table(shown, of=5)
    assert lines[3].startswith("| cow | a dog calls out | a cow calls out | ")
    assert lines[3].endswith("| 4 of 5 |")


def test_picture_has_its_size(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    shown, _ = caption_examples.examples(["a dog calls out"] * 5, clips(tmp_path), count=3)
    drawn = caption_examples.draw(shown, foot="made by hand")
    assert image.open(io.BytesIO(drawn)).size == (1300, 374)
    assert caption_examples.draw(shown, foot="made by hand") == drawn


def test_benchmark_stops_after_words(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").touch()
    source = captioning.caption_recipe(
        "mini", table=tmp_path / "x.jsonl", seed=0, epochs=(1.0, 2.0), scenes=9, reward=None
    )
    assert [stage.task for stage in captioner.parse(source, name="x").stages] == ["words"]
