"""The captioning benchmark's sentences, recipes and table; its training is for the benchmark itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks are no part of the package

from benchmarks.caption_sentences import WORDS, sentences

from benchmarks import captioning
from hark import recipe as recipes
from hark.recipe import captioner


def test_sentences_tell_classes_apart() -> None:
    every = [text for label in WORDS for text in sentences(label)]
    assert len(WORDS) == 50
    assert len(set(every)) == 250
    assert sentences("door_wood_knock")[1] == "someone knocking on a wooden door"


def test_recipes_differ_only_in_what_is_learnt() -> None:
    contrast, tag = (recipes.parse(captioning.ears_recipe(k, steps=7), name=k) for k in ("contrast", "tag"))
    assert contrast.audio == tag.audio
    (one,), (other,) = contrast.stages, tag.stages
    assert (one.task, other.task) == ("contrast", "tag")
    for name in ("steps", "batch", "lr", "warmup", "weight_decay", "mix", "seed"):
        assert getattr(one, name) == getattr(other, name)
    assert [spec.corpus for spec in one.corpora] == [spec.corpus for spec in other.corpora]
    source = captioning.caption_recipe("mini", table=Path("/x.jsonl"), seed=4, epochs=(1.0, 2.0), scenes=9)
    made = captioner.parse(source, name="x")
    assert [(stage.task, stage.seed, stage.epochs) for stage in made.stages] == [("words", 4, 1.0), ("reward", 4, 2.0)]
    assert all(spec.corpus["where"] == {"part": "test"} for stage in made.stages for spec in stage.valid[:1])


def test_table_has_means_and_deviations(tmp_path: Path) -> None:
    for seed, value in ((0, 0.5), (1, 0.7)):
        place = tmp_path / "captioners" / f"mini-{seed}"
        place.mkdir(parents=True)
        numbers = {"cider_d": value, "bleu_4": 0.1, "rouge_l": 0.2, "different": 3}
        (place / "results.json").write_text(json.dumps({"words": numbers, "reward": numbers | {"cider_d": 1.0}}))
        (place / "provenance.json").write_text(json.dumps({"ears": {"stamp": "x"}}))
    found = captioning.gather(tmp_path, ["mini", "tag"], given={})
    words = found["ears"]["mini"]["stages"]["words"]["cider_d"]
    assert (words["mean"], words["sd"]) == (pytest.approx(0.6), pytest.approx(0.02**0.5))
    assert captioning.table(found)[-1] == "| mini | 2 | 0.600 ± 0.141 | 1.000 ± 0.000 | 0.200 ± 0.000 |  |"
