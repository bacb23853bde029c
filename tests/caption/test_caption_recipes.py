"""The recipes of SJTU's captioners: numbers typed anew from the report (Xu et al. 2022)."""

from __future__ import annotations

from pathlib import Path

import pytest

from hark import recipe as recipes
from hark.core.errors import SettingError
from hark.recipe import captioner

# table 3: BLEU-4, ROUGE-L, METEOR, CIDEr, SPICE, SPIDEr in hundredths, after cross entropy and after the reward
SINGLE = {
    "gru": (14.6, (16.4, 38.6, 18.1, 42.1, 12.6, 27.4), (17.2, 40.9, 18.1, 48.7, 12.1, 30.4)),
    "transformer-2": (10.4, (16.6, 37.8, 17.9, 42.1, 12.7, 27.4), (18.2, 41.2, 18.6, 50.9, 12.0, 31.5)),
    "transformer-4": (12.5, (16.0, 37.9, 18.1, 41.1, 12.5, 26.8), (17.4, 41.3, 18.0, 50.0, 12.2, 31.1)),
}
SYSTEMS = {
    1: (["transformer-2"], SINGLE["transformer-2"][1], SINGLE["transformer-2"][2]),
    2: (["transformer-2"] * 2, (17.4, 38.5, 18.3, 43.2, 13.0, 28.1), (18.7, 41.3, 18.8, 52.4, 12.6, 32.5)),
    3: (
        ["transformer-2"] * 2 + ["transformer-4"] * 2,
        (17.6, 39.0, 18.4, 43.8, 13.1, 28.5),
        (18.3, 41.5, 18.6, 51.3, 12.6, 32.0),
    ),
    4: (
        ["transformer-2"] * 2 + ["transformer-4"] * 2 + ["gru"] * 2,
        (17.4, 39.4, 18.5, 43.9, 13.2, 28.5),
        (18.3, 41.5, 18.6, 51.3, 12.6, 32.0),
    ),
}
METRICS = ("bleu_4", "rouge_l", "meteor", "cider", "spice", "spider")


def published(recipe: captioner.CaptionRecipe, before: str = "") -> list[float]:
    return [100 * recipe.published[f"{before}{name}"] for name in METRICS]


@pytest.mark.parametrize("name", SINGLE)
def test_single(name: str) -> None:
    millions, xe, reward = SINGLE[name]
    recipe = captioner.load(f"sjtu-2022/captioning-{name}")
    assert published(recipe, "xe_") == pytest.approx(xe)
    assert published(recipe) == pytest.approx(reward)
    assert recipe.published["parameters"] == millions * 1e6
    assert recipe.decoding.beams == 3
    words, rewarded = recipe.stages
    assert (words.batch, words.epochs, words.lr, words.warmup) == (64, 25, 5e-4, 3000)
    assert (words.smoothing, words.true_words) == (0.1, 0.7)
    assert words.lr * words.schedule["last"] == pytest.approx(5e-7)
    assert (words.optimiser["name"], words.schedule["name"]) == ("adam", "exponential")
    assert (rewarded.task, rewarded.epochs, rewarded.lr) == ("reward", 100, 5e-5)
    for stage in recipe.stages:
        (learnt,), (valid,) = stage.corpora, stage.valid
        assert (learnt.corpus["share"], learnt.corpus["part"], valid.corpus["part"]) == (0.9, "train", "rest")
    speller = recipe.speller(captions=["a b"] + [f"w{n}" for n in range(4362)])
    assert speller.size == 4368
    built = recipe.build(heard=2048, speller=speller)
    assert round(sum(p.numel() for p in built.parameters()) / 1e6, 1) == millions


@pytest.mark.parametrize("number", SYSTEMS)
def test_system(number: int) -> None:
    members, xe, reward = SYSTEMS[number]
    recipe = captioner.load(f"sjtu-2022/captioning-system-{number}")
    assert published(recipe, "xe_") == pytest.approx(xe)
    assert published(recipe) == pytest.approx(reward)
    assert [spec.recipe for spec in recipe.members] == [f"sjtu-2022/captioning-{name}" for name in members]
    seeds = {(spec.recipe, spec.seed) for spec in recipe.members}
    assert len(seeds) == len(members)  # those of one recipe differ in their seed
    assert recipe.decoding.beams == 3


def test_ears() -> None:
    recipe = recipes.load("sjtu-2022/captioning-ears")
    (stage,) = recipe.stages
    assert (stage.epochs, stage.batch, stage.lr, stage.warmup_epochs) == (20, 128, 1e-4, 1)
    assert [spec.corpus["name"] for spec in stage.corpora] == ["resplit", "audiocaps", "macs"]
    assert all(captioner.load(f"sjtu-2022/captioning-{n}").ears.model == "sjtu-2022/captioning-ears" for n in SINGLE)


def test_which_recipes_are_captioners(tmp_path: Path) -> None:
    assert captioner.is_one("sjtu-2022/captioning-gru")
    assert not captioner.is_one("mini")
    assert not set(captioner.names()) & set(recipes.names())
    for text, wanted in (("ears = { model = 'mini' }", True), ("members = []", True), ("dim = 3", False), ("=", False)):
        (tmp_path / "x.toml").write_text(text)
        assert captioner.is_one(str(tmp_path / "x.toml")) == wanted


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "x.toml: about: missing"),
        ('about = ""\n', "x.toml: give ears, encoder and decoder, or members"),
        ('about = ""\nears = { modell = "mini" }', "did you mean 'model'"),
        ('about = ""\nmembers = [{ recipe = "a" }]\nencoder = { name = "bigru" }', "in their own recipes"),
        ('about = ""\nears = { model = "mini" }\nchanges = ["a=1"]', "there are none"),
        ('about = ""\nears = { model = "mini" }\n[[stages]]\nname = "a"', "nothing to choose the best by"),
        ('about = ""\nears = { model = "mini" }\n[[stages]]\nname = "a"\nkeep = "last"\ntrue_words = 2.0', "a share"),
    ],
)
def test_mistakes_are_named(text: str, wrong: str) -> None:
    with pytest.raises(SettingError, match=wrong.replace(".", r"\.")):
        captioner.parse(text, name="x")


def test_an_ensemble_of_ensembles_is_refused() -> None:
    with pytest.raises(SettingError, match="is an ensemble"):
        captioner.member(captioner.MemberSpec("sjtu-2022/captioning-system-2"))
