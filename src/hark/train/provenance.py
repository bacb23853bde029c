"""What a run was made of, in provenance.json beside the weights: versions, the recipe, hashes of data and weights.

Every start of a run adds itself to the "starts": the command and the machine, where it went on from ("from", null: at
the beginning), what the recipe began with and was fed, and of the stages that it opened the steps and learning rates.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from hark.core.errors import SettingError
from hark.core.files import sha256, write_text
from hark.core.provenance import made_by
from hark.models.towers import Towers
from hark.recipe import CorpusSpec, Recipe, Stage
from hark.train import init
from hark.train.data import open_corpus
from hark.train.tag_data import labelled
from hark.train.world import World

FILE = "provenance.json"


def write(
    recipe: Recipe,
    *,
    data: Path,
    out: Path,
    command: str | None,
    world: World,
    kept: Mapping[str, Any] | None,
    live: bool = False,
) -> None:
    """Adds a start to what the run in the folder `out` is made of; `kept` is the state that it goes on from.

    Corpora are opened, and so missed before anything is done. What was told of another recipe's run is left out.

    `live` says that its sounds are decoded while it trains.

    Raises SettingError, DataError.
    """
    start = {
        "command": command,
        "from": kept and {"stage": recipe.stages[kept["stage"]].name, "step": kept["step"]},
        "device": _device(world.device),
        "threads": torch.get_num_threads(),
        "processes": world.size,
        "platform": platform.platform(),
        "versions": made_by() | {"python": platform.python_version()},
        "live": live,
        "stages": {stage.name: _stage(recipe, stage, data=data) for stage in recipe.stages},
    }
    before = _read(out)
    starts = before.get("starts", []) if before.get("recipe_hash") == recipe.hash else []
    _write(out, {"recipe": recipe.name, "recipe_hash": recipe.hash, "starts": [*starts, start]})


def add_weights(recipe: Recipe, towers: Towers, *, data: Path, out: Path) -> None:
    """Adds to the last start which weights `recipe.init` filled the towers with.

    Raises SettingError, WeightsError.
    """
    told = _read(out)
    told["starts"][-1]["init"] = {part: _weights(recipe, towers, part, data=data) for part in recipe.init}
    _write(out, told)


def add_steps(stage: Stage, optimiser: torch.optim.Optimizer, *, out: Path) -> None:
    """Adds to the last start what a stage came to with its data: everything in steps, and what learns how fast."""
    rates: dict[float, int] = {}
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            rate = stage.lr * group["share"]
            rates[rate] = rates.get(rate, 0) + parameter.numel()
    told = _read(out)
    told["starts"][-1]["stages"][stage.name]["resolved"] = {
        "steps": stage.steps,
        "warmup": stage.warmup,
        "valid_every": stage.valid_every,
        "rates": [{"lr": rate, "parameters": rates[rate]} for rate in sorted(rates)],
    }
    _write(out, told)


def latest(told: Mapping[str, Any]) -> dict[str, Any]:
    """What provenance.json tells, as of the last start; of each stage what was told last."""
    starts: Sequence[Mapping[str, Any]] = told.get("starts") or [{}]
    stages: dict[str, Any] = dict(told.get("stages", {}))
    for start in starts:
        for name, said in start.get("stages", {}).items():
            stages[name] = stages.get(name, {}) | said
    return {"starts": [], **told, **starts[-1], "stages": stages}


def same_way(out: Path, *, live: bool) -> None:
    """Sees that a run in the folder `out` goes on as it began: its sounds decoded while it trains, or before.

    Raises SettingError.
    """
    began = bool(latest(_read(out)).get("live", False))
    if began != live:
        way = "with --live, decoding while it trains; go on with it" if began else "without --live; go on without it"
        raise SettingError(f"{out}: was begun {way}, or choose another folder with --out")


def fingerprint(ids: Iterable[str]) -> str:
    """A hash of the clips' ids, whatever their order."""
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()[:16]


def _read(out: Path) -> dict[str, Any]:
    try:
        told = json.loads((out / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _write(out: Path, told: Mapping[str, Any]) -> None:
    write_text(out / FILE, json.dumps(told, indent=2) + "\n")


def _device(device: torch.device) -> str:
    return f"cuda: {torch.cuda.get_device_name(device)}" if device.type == "cuda" else device.type


def _weights(recipe: Recipe, towers: Towers, part: str, *, data: Path) -> dict[str, str]:
    """The name and the hash of a part's first weights: of their file, or of the tensors where there may be several."""
    name = recipe.init[part]
    if name == init.PRETRAINED:
        assert recipe.text is not None
        own = towers.get_submodule(part).state_dict()
        tensors = save({tensor: value.detach().cpu().clone() for tensor, value in own.items()})
        model = str(recipe.text.encoder["model"])
        return {"weights": f"{name}: {model}", "tensors_sha256": hashlib.sha256(tensors).hexdigest()}
    path = data / name if part == init.TAGS else init.find(name, data=data)
    return {"weights": name, "sha256": sha256(path)}


def _stage(recipe: Recipe, stage: Stage, *, data: Path) -> dict[str, Any]:
    where = f"{recipe.name}.toml: stage '{stage.name}'"
    if stage.task == "tag":
        stage = labelled(stage, where=where)  # which parts a fold into what is learnt and what is measured
    told: dict[str, Any] = {
        kind: _corpora(specs, data=data, where=f"{where}: {kind}")
        for kind, specs in (("corpora", stage.corpora), ("valid", stage.valid), ("hold_out", stage.hold_out))
        if specs
    }
    if stage.texts:
        told["texts"] = {name: sha256(data / name)[:16] for name in stage.texts if (data / name).is_file()}
    return told


def _corpora(specs: Sequence[CorpusSpec], *, data: Path, where: str) -> list[dict[str, Any]]:
    told = []
    for n, spec in enumerate(specs):
        clips = open_corpus(spec, data=data, where=f"{where}[{n}]", unpacked=False)
        ids = fingerprint(clip.id for clip in clips)
        told.append({"corpus": spec.corpus.get("name"), "clips": len(clips), "ids": ids})
    return told
