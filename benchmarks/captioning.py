"""A captioner in miniature on real sounds: what the reward brings, and what it brings to hear with a retrieval model.

python -m benchmarks.captioning --data SOUNDS [--out FOLDER] [--seeds 3] [--ears mini contrast tag untrained]
    [--words-only] [--quick]

SOUNDS has the folder of sounds with its metadata.csv (columns file, label, title, set, fold). Learnt from are folds 1
to 3 of ESC-50, each clip with five sentences composed with templates from its label, one of them from its title where
that says more (`benchmarks.caption_sentences`), and synthesised scenes with theirs; measured on fold 4 and on other
scenes. What ears there are:

    mini        the retrieval model that comes with hark (whose weights were chosen by how well it does on fold 4)
    contrast    a smaller one, trained here on sounds and labels, its words being mini's
    tag         the same tower from the same first weights, trained on the same sounds for as many steps to tell labels
    untrained   the same tower with its first weights; only its norms' statistics are of the sounds

The reward is that of "others": 4 captions drawn without dropout, each against the mean of the others, at a rate of
1e-3. With mini's ears the way of SJTU's recipes is told as well ("greedy"): one caption drawn with dropout, against the
greedy one, at 5e-5; behind the same cross entropy from the same seeds, for as many steps.

It can be stopped at any time and goes on; the table and results/captioning.json tell what is there so far. FOLDER keeps
the captioners (captioners/mini-0, ...) and the manifest of the clips with their sentences (esc50.jsonl). With
`--words-only` they stop before the reward, and no results are written; give another FOLDER then.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.caption_sentences import sentences
from benchmarks.caption_together import together
from benchmarks.machine import machine
from hark import recipe as recipes
from hark.core.errors import HarkError
from hark.core.provenance import made_by
from hark.data import manifest
from hark.data.pcm import open_pcm
from hark.models import weights
from hark.recipe import captioner
from hark.recipe.overrides import write
from hark.runtime.load import find
from hark.train.caption_run import run as run_captioner
from hark.train.data import open_corpus
from hark.train.run import run as run_ears

EARS = ("mini", "contrast", "tag", "untrained")
RESULTS = Path(__file__).parent / "results" / "captioning.json"
REWARDS: Mapping[str, Mapping[str, Any]] = {
    "others": {"lr": 1e-3, "samples": 4, "baseline": "others", "dropout": False},
    "greedy": {"lr": 5e-5, "samples": 1, "baseline": "greedy", "dropout": True},  # as SJTU's recipes have it
}
AUDIO: Mapping[str, Any] = {
    "rate_hz": 16000, "window_s": 5.0, "hop_s": 5.0, "short": "repeat",
    "features": {
        "name": "logmel", "n_fft": 640, "hop": 320, "mels": 48, "f_min_hz": 50.0, "f_max_hz": 8000.0,
        "mean_db": -30.0, "scale_db": 20.0,
    },
    "encoder": {"name": "mobilenet", "width": 0.35}, "head": {"name": "mlp", "hidden": 256},
}  # fmt: skip
TEXT: Mapping[str, Any] = {
    "encoder": {"name": "static", "vocabulary": 24000, "width": 128, "hidden": 512, "dim": 384},
    "head": {"name": "linear"},
}


def sounds(**where: str) -> dict[str, Any]:
    """A corpus of the folder of sounds."""
    return {"name": "folder", "path": "sounds", "table": "metadata.csv", "where": where}


def ears_recipe(kind: str, *, steps: int) -> str:
    """The TOML of a retrieval model ("contrast") or one that tells labels ("tag"); the same tower, sounds and steps."""
    learnt = [
        {"corpus": sounds(set="esc50", fold="!=4"), "say": ["{label}"]},
        {"corpus": sounds(set="urbansound8k", fold="!=2"), "say": ["{label}"]},
        {"corpus": sounds(set="kitchen20"), "say": ["{label}"]},
    ]
    stage: dict[str, Any] = {
        "name": "sounds", "steps": steps, "batch": 64, "lr": 2e-3, "warmup": 50, "weight_decay": 0.05, "mix": 0.3,
        "valid_every": steps, "corpora": learnt,
        "valid": [{"corpus": sounds(set="esc50", fold="4"), "say": ["{label}"]}],
    }  # fmt: skip
    settings: dict[str, Any] = {"about": f"Ears of the benchmark: {kind}.", "dim": 256, "audio": AUDIO}
    if kind == "contrast":
        stage |= {"freeze": ["text_encoder"], "alike": 0.8}
        settings |= {"text": TEXT, "init": {"text_encoder": "mini"}}
    else:
        stage |= {"task": "tag", "loss": {"name": "cross_entropy"}, "metric": "accuracy"}
        for spec in learnt:
            spec["kind"] = "sounds"
        stage["valid"][0]["kind"] = "sounds"
    return write({**settings, "stages": [stage]})


def make_ears(kind: str, *, data: Path, out: Path, steps: int) -> str:
    """Trains the ears, or goes on; what a captioner's recipe names them by."""
    if kind == "mini":
        return "mini"
    folder = out / "ears" / kind
    source = ears_recipe("tag" if kind == "untrained" else kind, steps=steps)
    recipe = recipes.parse(source, name=f"benchmark-{kind}")
    if kind == "untrained":
        if not (folder / "model.safetensors").is_file():
            untrained(recipe, data=data, path=folder / "model.safetensors")
        return str(folder)
    if kind == "contrast":  # mini's words go with its text tower
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer.json").write_text(weights.open_file(find("mini")).assets["tokenizer"], encoding="utf-8")
    for event in run_ears(recipe, data=data, out=folder):
        if event.validation is not None or event.step.step % 50 == 49:
            found = "" if event.validation is None else json.dumps(event.validation.as_json())
            print(f"ears {kind} {event.step.step + 1}/{event.steps}: loss {event.step.loss:.3f} {found}", flush=True)
    return str(folder)


def untrained(recipe: recipes.Recipe, *, data: Path, path: Path) -> None:
    """First weights, as a run of the recipe draws them; the norms' means and variances are those of 256 sounds."""
    torch.manual_seed(recipe.stages[0].seed)
    towers = recipe.build()
    for part in towers.modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            part.momentum = None  # the mean over all batches
    clips = open_corpus(recipe.stages[0].corpora[0], data=data, where="ears")[:: max(1, 1184 // 256)][:256]
    pcm = open_pcm(clips, recipe.audio.rate_hz)
    size = recipe.audio.samples
    towers.train()
    with torch.no_grad():
        for at in range(0, len(clips), 32):
            waves = [np.resize(pcm.wave(i), size) for i in range(at, min(at + 32, len(clips)))]
            towers.hear(torch.from_numpy(np.stack(waves)))
    saved = weights.Saved(towers.state_dict(), recipe.name, recipe.source, {}, made_by())
    weights.save(path, saved)


def caption_recipe(
    ears: str, *, table: Path, seed: int, epochs: tuple[float, float], scenes: int, reward: str | None = "others"
) -> str:
    """The TOML of the captioner: SJTU's ways, a smaller network; with a stage of one of the `REWARDS` or without."""

    def corpora(which: str, count: int, first: int) -> list[dict[str, Any]]:
        listed = {"name": "folder", "path": "sounds", "table": str(table), "where": {"part": which}}
        made = {"name": "synth", "scenes": True, "clips": count, "seed": first}
        return [{"corpus": one, "say": ["{caption}"]} for one in (listed, made)]

    common = {"seed": seed, "batch": 64, "clip": 1.0, "keep": "average", "averaged": 3, "visit": "clips"}
    common |= {"valid_every": 100_000, "corpora": corpora("learn", scenes, 1), "valid": corpora("test", scenes // 3, 2)}
    words = {
        "name": "words", "task": "words", "epochs": epochs[0], "lr": 2e-3, "warmup": 60, "smoothing": 0.1,
        "true_words": 0.7, "schedule": {"name": "exponential", "last": 0.02},
    }  # fmt: skip
    stages = [words | common]
    if reward is not None:
        stages.append({"name": "reward", "task": "reward", "epochs": epochs[1], **REWARDS[reward], **common})
    said = hashlib.sha256(table.read_bytes()).hexdigest()[:16]  # captioners of other sentences are not gone on with
    return write(
        {
            "about": f"The benchmark's captioner; sentences {said}.",
            "ears": {"model": ears},
            "encoder": {"name": "bigru", "width": 64, "layers": 1},
            "decoder": {"name": "transformer", "width": 96, "layers": 1},
            "decoding": {"beams": 3, "steps": 20},
            "stages": stages,
        }
    )


def compose(data: Path, path: Path, *, few: bool) -> None:
    """Writes the table of ESC-50's clips with their sentences; fold 4 is the part "test"."""
    clips = manifest.read(data / "sounds" / "metadata.csv", where={"set": "esc50"})
    told = []
    for clip in clips[:: 16 if few else 1]:
        part = "test" if clip.extra["fold"] == "4" else "learn"
        kept = {"part": part, "freesound_id": clip.extra.get("freesound_id", "")}
        said = sentences(clip.labels[0], title=clip.extra.get("title") or "", key=clip.id)
        told.append(dataclasses.replace(clip, captions=said, labels=(), extra=kept))
    manifest.write(path, told)


def gather(out: Path, ears: Sequence[str], *, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the runs found so far: of each ears and stage the values by seed, their mean and standard deviation.

    "greedy" are the ears mini with SJTU's reward, whose stage of words is mini's own, trained again.
    """
    found: dict[str, Any] = {}
    for kind in (*ears, "greedy"):
        for path in sorted((out / "captioners").glob(f"{kind}-*/results.json")):
            run = found.setdefault(kind, {"stages": {}})
            seed = path.parent.name.removeprefix(f"{kind}-")
            run["ears"] = json.loads((path.parent / "provenance.json").read_text())["ears"]
            for stage, numbers in json.loads(path.read_text()).items():
                for metric in ("cider_d", "bleu_4", "rouge_l", "different"):
                    run["stages"].setdefault(stage, {}).setdefault(metric, {})[seed] = numbers[metric]
    for kind, run in found.items():
        if (out / "captioners" / f"{kind}-together.json").is_file():
            run["together"] = json.loads((out / "captioners" / f"{kind}-together.json").read_text())
        for stage in run["stages"].values():
            for values in stage.values():
                each = list(values.values())
                values |= {"mean": float(np.mean(each)), "sd": float(np.std(each, ddof=1)) if len(each) > 1 else None}
    return {"machine": dataclasses.asdict(machine()), "versions": made_by(), "given": dict(given), "ears": found}


def table(found: Mapping[str, Any]) -> list[str]:
    """CIDEr-D of each ears before and after the reward, the mean over seeds and the standard deviation."""
    lines = ["| ears | seeds | CIDEr-D, words | CIDEr-D, reward | ROUGE-L, reward | CIDEr-D, seeds together |"]
    lines += ["|---|---|---|---|---|---|"]
    for kind, run in found["ears"].items():
        cells = []
        for stage, metric in (("words", "cider_d"), ("reward", "cider_d"), ("reward", "rouge_l")):
            value = run["stages"].get(stage, {}).get(metric)
            spread = "" if value is None or value["sd"] is None else f" ± {value['sd']:.3f}"
            cells.append("" if value is None else f"{value['mean']:.3f}{spread}")
        seeds = len(run["stages"]["words"]["cider_d"]) - 2
        cells.append(f"{run['together']['cider_d']:.3f}" if "together" in run else "")
        name = "mini, greedy reward" if kind == "greedy" else kind
        lines.append(f"| {name} | {seeds} | {' | '.join(cells)} |")
    return lines


def main() -> int:
    """Trains what is not trained yet, and tells."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds sounds/metadata.csv")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark-captioning"))
    parser.add_argument("--json", type=Path, default=RESULTS)
    parser.add_argument("--ears", nargs="+", choices=EARS, default=list(EARS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ears-steps", type=int, default=250)
    parser.add_argument("--epochs", type=float, nargs=2, default=(12.0, 8.0), help="of words and of reward")
    parser.add_argument("--scenes", type=int, default=150)
    parser.add_argument("--words-only", action="store_true", help="no reward; saves no results")
    parser.add_argument("--quick", action="store_true", help="does it run? saves nothing")
    given = parser.parse_args()
    if given.quick:
        given.seeds, given.ears_steps, given.epochs, given.scenes = 1, 2, (1.0, 1.0), 6
    try:
        listed = (given.out / "esc50.jsonl").resolve()
        compose(given.data, listed, few=given.quick)
        ways = [(kind, kind, None if given.words_only else "others") for kind in given.ears]
        if "mini" in given.ears and not given.words_only:
            ways.insert(given.ears.index("mini") + 1, ("greedy", "mini", "greedy"))
        for kind, ears, reward in ways:
            place = make_ears(ears, data=given.data, out=given.out, steps=given.ears_steps)
            for seed in range(given.seeds):
                source = caption_recipe(
                    place, table=listed, seed=seed, epochs=tuple(given.epochs), scenes=given.scenes, reward=reward
                )
                recipe = captioner.parse(source, name=f"benchmark-{kind}")
                for event in run_captioner(recipe, data=given.data, out=given.out / "captioners" / f"{kind}-{seed}"):
                    if event.validation is not None:
                        print(f"{kind} {seed} {event.stage}: {event.validation.line()}", flush=True)
                tell(given)
            runs = [given.out / "captioners" / f"{kind}-{seed}" for seed in range(given.seeds)]
            if len(runs) > 1:
                found = together(runs, given.out / "captioners" / f"{kind}-together.safetensors", data=given.data)
                text = json.dumps({"seeds": given.seeds} | found)
                (given.out / "captioners" / f"{kind}-together.json").write_text(text)
    except HarkError as error:
        print(f"captioning: {error}", file=sys.stderr)
        return 1
    print("\n".join(table(tell(given))))
    return 0


def tell(given: argparse.Namespace) -> dict[str, Any]:
    """What there is so far, saved if it is the whole benchmark."""
    told = {name: getattr(given, name) for name in ("seeds", "ears_steps", "epochs", "scenes")}
    found = gather(given.out, EARS, given=told)
    if not (given.quick or given.words_only):
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(found, indent=2) + "\n")
    return found


if __name__ == "__main__":
    sys.exit(main())
