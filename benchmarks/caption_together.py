"""The captioners of several seeds as one: what averaging their next words is worth on the benchmark's test clips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hark.caption import file
from hark.core.provenance import made_by
from hark.metrics.captioning import caption_metrics
from hark.recipe import captioner
from hark.recipe.overrides import write
from hark.train.caption_data import Features, open_described, tidy

BATCH = 64


def together(runs: Sequence[Path], path: Path, *, data: Path) -> dict[str, float]:
    """Joins the captioners of `runs` in one file, and captions the test clips of the first one's last stage."""
    members = [{"recipe": str(run / "recipe.toml")} for run in runs]
    recipe = captioner.load(str(runs[0] / "recipe.toml"))
    way = {"beams": recipe.decoding.beams, "steps": recipe.decoding.steps}
    system = captioner.parse(write({"about": "Seeds together.", "members": members, "decoding": way}), name="together")
    file.join(system, [run / "model.safetensors" for run in runs], path, made_by=made_by())
    model = file.load(str(path))
    features = Features(model.ears)
    described = open_described(recipe.stages[-1].valid, features, data=data, where="test")
    said: list[str] = []
    for at in range(0, len(described.keys), BATCH):
        heard = [features[key] for key in described.keys[at : at + BATCH]]
        said += [tidy(each[0].text) for each in model.said(model.decode(heard))]
    whole, _ = caption_metrics(said, described.references())
    names = {"cider_d": "CIDEr-D", "bleu_4": "BLEU-4", "rouge_l": "ROUGE-L"}
    return {name: whole[called] for name, called in names.items()} | {"different": len(set(said))}
