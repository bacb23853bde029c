"""What the tests of several processes run, in each of them and alone: a few steps of small towers.

As a program, `torchrun` starts it: `spread_run.py OUT JOBS`, where JOBS is JSON, {name: settings of the stage}.
"""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from hark import recipe as recipes
from hark.recipe import CorpusSpec, Stage
from hark.text.vocabulary import make_vocabulary
from hark.train import spread, state
from hark.train.data import open_batches
from hark.train.loop import train
from hark.train.tag_data import open_tasks
from hark.train.world import World, joined

KINDS = ["siren", "rain", "church bell", "crickets", "door knock", "airplane"]

RECIPE = """
about = "For tests."
dim = 12
temperature = 0.2
bias = -1.0
branches = { name = "mlp", dropout = 0.2 }
[audio]
rate_hz = 16000
window_s = 0.5
features = { name = "kaldi_fbank", mels = 16, frames = 48 }
encoder = { name = "ast", frames = 48, frame_stride = 8, width = 16, depth = 2, heads = 2, classes = 0 }
head = { name = "mlp", dropout = 0.2 }
[text]
encoder = { name = "static", vocabulary = 120, width = 8, hidden = 16, dim = 16 }
head = { name = "mlp", dropout = 0.2 }
[[stages]]
name = "sounds"
steps = 3
batch = 12
warmup = 0
[[stages.corpora]]
corpus = { name = "synth", path = "", clips = 40, seed = 1, duration_s = 0.6, kinds = KINDS }
""".replace("KINDS", json.dumps(KINDS))

AST = '{ name = "ast", frames = 48, frame_stride = 8, width = 16, depth = 2, heads = 2, classes = 0 }'
EARS = {  # those with batch norms; in stages of labels chance is not by row, so that it has none here
    "cnn14": '{ name = "cnn14", channels = [4, 8], dim = 16, classes = 0 }',
    "cnn14 sure": '{ name = "cnn14", channels = [4, 8], dim = 16, classes = 0, dropout = 0.0, last_dropout = 0.0 }',
    "htsat": '{ name = "htsat", width = 8, depths = [1, 1], heads = [2, 2], size = 64, classes = 0 }',
}

RECIPE_TOKENIZER = make_vocabulary([f"the sound of {kind}" for kind in KINDS], words=KINDS, size=120)


def steps(settings: dict[str, Any], *, world: World) -> dict[str, Any]:
    """Losses of a stage's steps, gradients of the first, the weights and their average behind the last, whole.

    `settings` are the stage's, and of "ears", one of `EARS`.
    """
    settings = dict(settings)
    ears = settings.pop("ears", None)
    recipe = recipes.parse(RECIPE if ears is None else RECIPE.replace(AST, EARS[ears]), name="spread")
    corpora = tuple(CorpusSpec(**one) for one in settings.get("corpora", ())) or recipe.stages[0].corpora
    stage: Stage = dataclasses.replace(recipe.stages[0], **{"clip": None, **settings, "corpora": corpora})
    torch.manual_seed(1)
    towers = recipe.build(assets={"tokenizer": RECIPE_TOKENIZER})
    tasks = open_tasks(recipe, stage, data=Path()) if stage.task == "tag" else None
    if tasks is not None:
        tasks.attach(towers)
    current = state.start(towers, stage, world=world, sharded=stage.shard == "fsdp")
    if current.scaler is not None:  # torch's first scale is too large for the first steps, which it leaves out
        current.scaler = torch.amp.GradScaler("cpu", init_scale=256.0)
    losses: list[float] = []
    gradients: dict[str, Any] = {}
    if tasks is not None:
        taken = tasks.steps(current, tasks.stage)
    else:
        batches = open_batches(recipe, stage, data=Path(), rank=world.rank, ranks=world.size)
        taken = train(current, batches.__getitem__, stage)
    for step in taken:
        losses.append(step.loss)
        if step.step == 0:
            named = {name: p.grad for name, p in towers.named_parameters() if p.grad is not None}
            gradients = {name: t.detach().clone() for name, t in spread.full(named, world).items() if t is not None}
    tables = {"towers": towers.state_dict(), "average": current.average.state_dict() if current.average else {}}
    return {"losses": losses, "gradients": gradients, **spread.full(tables, world)}


def main(out: Path, jobs: dict[str, dict[str, Any]]) -> None:
    with joined() as world:
        made = {name: steps(settings, world=world) for name, settings in jobs.items()}
        if world.first:
            torch.save(made, out)


def together(command: list[str], *, processes: int = 2) -> str:
    """Runs a program as `torchrun` does, in so many processes of this machine; what they say on stderr."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(processes)}
    started = [
        subprocess.Popen(
            [sys.executable, *command],
            env=base | {"RANK": str(rank), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(processes)
    ]
    told = [process.communicate(timeout=300)[1] for process in started]
    assert [process.returncode for process in started] == [0] * processes, "\n".join(told)
    return "\n".join(told)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
