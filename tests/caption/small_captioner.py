"""A small captioner's training: synthesised sounds, what mini hears."""

from __future__ import annotations

from pathlib import Path

from hark.recipe import captioner
from hark.recipe.captioner import CaptionRecipe
from hark.train.caption_run import run

RECIPE = """
about = "For tests."
ears = { model = "mini" }
encoder = { name = "bigru", width = 12, layers = 1 }
decoder = { name = "DECODER", width = 16 }
decoding = { beams = 2, steps = 6 }
[[stages]]
name = "words"
epochs = 4
lr = 1e-2
batch = 4
smoothing = 0.1
true_words = 0.5
schedule = { name = "exponential" }
valid_epochs = 2
corpora = [ { corpus = CORPUS, say = ["{caption}"] } ]
valid = [ { corpus = VALID, say = ["{caption}"] } ]
[[stages]]
name = "reward"
task = "reward"
visit = "clips"
samples = 2
epochs = 3
batch = 4
lr = 1e-3
keep = "average"
averaged = 2
corpora = [ { corpus = CORPUS, say = ["{caption}"] } ]
"""
SYNTH = '{ name = "synth", path = "PLACE", clips = COUNT, seed = SEED, duration_s = 0.5, kinds = ["siren", "rain"] }'


def recipe_text(folder: Path, decoder: str = "transformer") -> str:
    """The recipe's TOML; its sounds lie in `folder`."""

    def corpus(place: str, count: int, seed: int) -> str:
        text = SYNTH.replace("PLACE", str(folder / place)).replace("COUNT", str(count))
        return text.replace("SEED", str(seed))

    text = RECIPE.replace("DECODER", decoder).replace("CORPUS", corpus("learnt", 6, 0))
    return text.replace("VALID", corpus("valid", 4, 1))


def recipe(folder: Path, decoder: str = "transformer", *, changes: tuple[str, ...] = ()) -> CaptionRecipe:
    """The recipe, read."""
    path = folder / f"{decoder}.toml"
    path.write_text(recipe_text(folder, decoder))
    return captioner.load(str(path), changes=changes)


def train(recipe: CaptionRecipe, out: Path, *, stop_after: int | None = None) -> int:
    """Trains, for so many steps or to the end; how many were taken."""
    taken = 0
    for _ in run(recipe, data=out, out=out, save_every_s=0.0):
        taken += 1
        if taken == stop_after:
            break
    return taken
