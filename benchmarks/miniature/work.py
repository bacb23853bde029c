"""One run of the miniature: the command trains, then ESC-50 fold 4 is measured on."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import shutil
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file

from benchmarks.miniature import corpora, parts
from benchmarks.miniature.claims import ensembles
from benchmarks.miniature.plan import FIRST, HERE, LABELS, Run
from hark import load
from hark.cli.train import train
from hark.core.files import sha256
from hark.core.provenance import made_by
from hark.core.types import Scores
from hark.data.pcm import open_pcm
from hark.eval.embed import similarities
from hark.eval.provenance import data_hash
from hark.metrics.chance import mean_average_precision_at
from hark.metrics.retrieval import average_precision_at, ranks, recall_at
from hark.recipe import CorpusSpec
from hark.runtime.model import Model
from hark.train.data import open_corpus


class Measured:
    """ESC-50 fold 4: each label is a query for the clips that have it."""

    def __init__(self, data: Path) -> None:
        corpus = tomllib.loads(f"corpus = {corpora.FOLD_4}")["corpus"]
        self.clips = open_corpus(CorpusSpec(corpus), data=data, where="miniature")
        self.texts = sorted({clip.labels[0] for clip in self.clips})
        self.relevant = np.array([[text in clip.labels for clip in self.clips] for text in self.texts])
        self.pcm = open_pcm(self.clips, corpora.RATE_HZ)

    def scores(self, model: Model) -> Scores:
        """(texts, clips) cosines."""
        sounds = model.embed_audio((self.pcm.wave(i), corpora.RATE_HZ) for i in range(len(self.clips)))
        return similarities(model.embed_text(self.texts), sounds)

    def told(self, scores: Scores) -> dict[str, Any]:
        """The numbers of a matrix of scores; `ap` is the average precision at 10 of each label, in their order."""
        ranked = ranks(scores, self.relevant)
        ap = average_precision_at(ranked, 10, divisor="reachable")
        return {
            "map_at_10": float(ap.mean()),
            "r_at_1": float(recall_at(ranked, 1).mean()),
            "accuracy": float(recall_at(ranks(scores.T, self.relevant.T), 1).mean()),
            "ap": [round(float(value), 6) for value in ap],
        }

    def made(self, folder: Path) -> dict[str, Any]:
        """What a run's numbers were made of: the hash of its weights, that of the clips, hark's version."""
        kept = [folder / "model.safetensors", *sorted(folder.glob("member-*/model.safetensors"))]
        return {
            "weights": [sha256(path)[:16] for path in kept if path.is_file()],
            "data": data_hash(self.clips, texts=self.texts),
            "hark": made_by()["hark"],
        }

    def chance(self) -> float:
        """The mean average precision at 10 that a random order has, exactly."""
        return mean_average_precision_at(10, self.relevant)


def prepare(run: Run, *, data: Path, out: Path) -> None:
    """Sees that what a run starts from is there."""
    if not (out / "towers" / "clip_text_model").is_dir():
        parts.tokenizers(data, out / "towers")
    if run.system.startswith("irit") and not (out / "towers" / "tags.csv").is_file():
        parts.tagger(out / "runs" / "passt", out / "towers")


def command(run: Run, *, data: Path, out: Path) -> Path:
    """Runs the command, in this process, by the function that `hark train` is; returns its folder."""
    name = str(HERE / "recipes" / f"{run.system}.toml") if run.system in FIRST else run.system
    folder = out / run.folder()
    changes = [change.replace("$OUT", str(out)) for change in run.changes()]
    with contextlib.redirect_stdout(io.StringIO()):  # it prints the model's path
        train(name, data=data, out=folder, threads=1, workers=0, changes=changes, dry_run=False, as_json=False)
    return folder


def run_one(run: Run, measured: Measured, *, data: Path, out: Path) -> dict[str, Any]:
    """Trains and measures; the scores go to a file of their own, for ensembles."""
    prepare(run, data=data, out=out)
    clock, cpu = time.monotonic(), time.process_time()
    folder = command(run, data=data, out=out)
    record: dict[str, Any] = {"system": run.system, "variant": run.variant, "seed": run.seed}
    record |= {"command": run.command(), "wall_s": time.monotonic() - clock, "cpu_s": time.process_time() - cpu}
    if run.system in LABELS:
        record |= {"measured": {"result": labels_told(folder)}}
    elif run.system not in FIRST:
        scores = found_scores(folder, measured)
        (out / "scores").mkdir(exist_ok=True)
        np.savez(out / "scores" / f"{run.key}.npz", **scores)
        record |= {"measured": {name: measured.told(found) for name, found in scores.items()}}
    record["made"] = measured.made(folder)
    for spent in (folder / "state.pt", folder / "best"):  # it is not trained on any further
        if spent.is_dir():
            shutil.rmtree(spent)
        else:
            spent.unlink(missing_ok=True)
    return record


def labels_told(folder: Path) -> dict[str, float]:
    """How well a run tells the labels that it was last validated on, as `hark train` measured it."""
    lines = [json.loads(line) for line in (folder / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    last = next(line for line in reversed(lines) if "accuracy" in line)
    return {key: float(last[key]) for key in ("map_at_10", "accuracy", "chance")}


def together(results: dict[str, Any], measured: Measured, *, out: Path, seeds: int) -> dict[str, Any]:
    """The ensembles all of whose members have run: the mean of their scores, by name."""
    found = {}
    for name, runs in ensembles(seeds).items():
        files = [out / "scores" / f"{run.key}.npz" for run in runs]
        if all(file.is_file() for file in files) and all(run.key in results["runs"] for run in runs):
            mean = np.mean([np.load(file)["result"] for file in files], axis=0)
            found[name] = {"members": [run.key for run in runs], "measured": {"result": measured.told(mean)}}
    return found


def found_scores(folder: Path, measured: Measured) -> dict[str, NDArray[np.float32]]:
    """The run's result under "result", and what else a claim needs.

    Of members of an ensemble the result is the mean of their scores, each alone "member-1" and so on; beside an average
    of checkpoints stands the "best single" one. "towers alone" leaves out the branches where vectors have them.
    """
    members = sorted(folder.glob("member-*"))
    models = {member.name: load(str(member)) for member in members} or {"result": load(str(folder))}
    found = {name: measured.scores(model) for name, model in models.items()}
    model = next(iter(models.values()))
    if members:
        found["result"] = np.mean(list(found.values()), axis=0)
    if model.recipe.compare == "branches":
        model.recipe = dataclasses.replace(model.recipe, compare="towers")
        found["towers alone"] = measured.scores(model)
    kept = sorted((folder / "best").glob("*/*.safetensors"))
    if len(kept) > 1 and not members:
        found["best single"] = measured.scores(_single(folder, model, kept))
    return found


def _single(folder: Path, model: Model, kept: list[Path]) -> Model:
    """The model with the weights of the one best validation; the first of several."""
    last = kept[0].parent.name
    lines = [json.loads(line) for line in (folder / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    valued = [(-line["map_at_10"], line["step"] + 1) for line in lines if line["stage"] == last and "map_at_10" in line]
    (wanted,) = (path for path in kept if int(path.stem) == min(valued)[1])
    towers = model.recipe.build(assets=model.towers.text_encoder.assets())  # type: ignore[operator]
    towers.load_state_dict(load_file(wanted), strict=True)
    return Model(model.recipe, towers, stamp=wanted.stem)
