"""The captioning benchmark's sentences, recipes and table; its training is for the benchmark itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks are no part of the package

from benchmarks.caption_sentences import TEMPLATES, WORDS, sentences, titled

from benchmarks import captioning
from hark import recipe as recipes
from hark.recipe import captioner


def test_sentences_tell_classes_apart() -> None:
    every = [text for label in WORDS for text in sentences(label)]
    assert len(WORDS) == 50
    assert len(set(every)) == 250
    assert sentences("door_wood_knock")[1] == "someone knocking on a wooden door"


@pytest.mark.parametrize(
    ("title", "label", "said"),
    [
        ("Angry_dogs2", "dog", "angry dogs"),
        ("Footsteps in Factory Hall", "footsteps", "footsteps in factory hall"),
        ("www.soundbyter.com femalelaugh", "laughing", "femalelaugh"),
        ("Pouring-Water", "pouring water", ""),  # the label
        ("breaking glass", "glass_breaking", ""),
        ("dog3", "dog", ""),
        ("100032-1", "dog", ""),
        ("gb11", "glass breaking", ""),
        ("", "siren", ""),
        (r"Fotsteg p\xe5 grus", "footsteps", ""),
        ("one two three four five six seven eight nine ten eleven twelve thirteen", "dog", ""),
    ],
)
def test_a_title_is_told_where_it_says_more_than_the_label(title: str, label: str, said: str) -> None:
    assert titled(title, label) == said
    plain, made = sentences(label), sentences(label, title=title, key="x.opus")
    assert len(made) == len(set(made)) == len(TEMPLATES) == 5
    assert made[0] == plain[0]
    others = [one for one, other in zip(made, plain, strict=True) if one != other]
    assert len(others) == (said != "")
    assert all(said in one for one in others)
    assert made == sentences(label, title=title, key="x.opus")


def test_titles_stand_in_every_place_but_the_first() -> None:
    plain = sentences("dog")
    places = {
        next(i for i in range(5) if made[i] != plain[i])
        for made in (sentences("dog", title="angry dogs", key=str(key)) for key in range(50))
    }
    assert places == {1, 2, 3, 4}


def test_the_greedy_reward_is_that_of_the_recipes(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("one")

    def made(reward: str | None) -> captioner.CaptionRecipe:
        source = captioning.caption_recipe(
            "mini", table=tmp_path / "x.jsonl", seed=1, epochs=(1.0, 2.0), scenes=9, reward=reward
        )
        return captioner.parse(source, name="x")

    greedy, others = made("greedy"), made("others")
    published = captioner.load("sjtu-2022/captioning-transformer-2").stages[1]
    for name in ("lr", "samples", "baseline", "dropout", "optimiser", "schedule", "warmup", "weight_decay", "batch"):
        assert getattr(greedy.stages[1], name) == getattr(published, name)
    assert greedy.stages[0] == others.stages[0]
    assert greedy.stages[1].epochs == others.stages[1].epochs
    assert made(None).stages == others.stages[:1]
    before = others.hash
    (tmp_path / "x.jsonl").write_text("other sentences")
    assert made("others").hash != before  # a captioner that learnt the old ones is not gone on with


def test_recipes_differ_only_in_what_is_learnt(tmp_path: Path) -> None:
    contrast, tag = (recipes.parse(captioning.ears_recipe(k, steps=7), name=k) for k in ("contrast", "tag"))
    assert contrast.audio == tag.audio
    (one,), (other,) = contrast.stages, tag.stages
    assert (one.task, other.task) == ("contrast", "tag")
    for name in ("steps", "batch", "lr", "warmup", "weight_decay", "mix", "seed"):
        assert getattr(one, name) == getattr(other, name)
    assert [spec.corpus for spec in one.corpora] == [spec.corpus for spec in other.corpora]
    (tmp_path / "x.jsonl").touch()
    source = captioning.caption_recipe("mini", table=tmp_path / "x.jsonl", seed=4, epochs=(1.0, 2.0), scenes=9)
    made = captioner.parse(source, name="x")
    assert [(stage.task, stage.seed, stage.epochs) for stage in made.stages] == [("words", 4, 1.0), ("reward", 4, 2.0)]
    assert all(spec.corpus["where"] == {"part": "test"} for stage in made.stages for spec in stage.valid[:1])


def test_table_has_means_and_deviations(tmp_path: Path) -> None:
    for name, value in (("mini-0", 0.5), ("mini-1", 0.7), ("greedy-0", 0.5)):
        place = tmp_path / "captioners" / name
        place.mkdir(parents=True)
        numbers = {"cider_d": value, "bleu_4": 0.1, "rouge_l": 0.2, "different": 3}
        (place / "results.json").write_text(json.dumps({"words": numbers, "reward": numbers | {"cider_d": 1.0}}))
        (place / "provenance.json").write_text(json.dumps({"ears": {"stamp": "x"}}))
    found = captioning.gather(tmp_path, ["mini", "tag"], given={})
    words = found["ears"]["mini"]["stages"]["words"]["cider_d"]
    assert (words["mean"], words["sd"]) == (pytest.approx(0.6), pytest.approx(0.02**0.5))
    assert captioning.table(found)[-1] == "| mini, greedy reward | 1 | 0.500 | 1.000 | 0.200 |  |"
    assert captioning.table(found)[-2] == "| mini | 2 | 0.600 ± 0.141 | 1.000 ± 0.000 | 0.200 ± 0.000 |  |"
