"""Several processes: the same losses, gradients and weights as one process with the whole batch."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import spread_run
import torch

from hark.train.world import ALONE, World

BASE: dict[str, Any] = {"mask_frames": 8, "mask_mels": 4}
LOSSES: dict[str, Any] = {"infonce": {"mix": 1.0}, "dual_clip": {"mask_stripes": 2}, "mixco": {"noise_db": 10.0}}
JOBS: dict[str, dict[str, Any]] = {
    f"{loss} {negatives} {shard}": {
        **BASE, **more, "loss": {"name": loss}, "negatives": negatives, "shard": shard,
    }
    for (loss, more), negatives, shard in itertools.product(LOSSES.items(), ("global", "local"), ("ddp", "fsdp"))
}  # fmt: skip
JOBS |= {
    f"chunk {loss} {negatives} {shard}": {
        **BASE, "loss": {"name": loss}, "negatives": negatives, "shard": shard, "chunk": 4, "clip": 0.1,
    }
    for loss, negatives, shard in (
        ("infonce", "local", "ddp"), ("mixco", "global", "fsdp"), ("dual_clip", "local", "fsdp"),
    )
}  # fmt: skip
JOBS |= {
    f"{more} {shard}": {**BASE, **settings, "shard": shard}
    for more, settings in {
        "one corpus, shifted": {"gain_db": 3.0, "shift": True, "average": 0.9, "clip": 0.1},
        "frozen": {"freeze": ["text_encoder"], "alike": 0.9, "stray": 0.5, "average": 0.9},
        "layers run again": {"checkpointing": True},
        "sigmoid": {"loss": {"name": "sigmoid"}, "negatives": "local", "chunk": 3},
        "triplet": {"loss": {"name": "triplet"}},
        "fp16": {"precision": "fp16", "clip": 0.1},
    }.items()
    for shard in ("ddp", "fsdp")
}

KINDS = ["siren", "rain", "church bell", "crickets", "door knock", "airplane"]
SYNTH = {"name": "synth", "clips": 20, "kinds": KINDS}
SAID = [  # clips of one sentence and of several, of two lengths
    {"corpus": {**SYNTH, "seed": 1, "duration_s": 0.6}, "say": ["{label}"]},
    {"corpus": {**SYNTH, "seed": 2, "duration_s": 0.4}, "say": ["{caption}", "{label}"]},
]
JOBS |= {
    f"all captions {loss} {negatives} {shard}": {
        **BASE, **more, "loss": {"name": loss}, "negatives": negatives, "shard": shard, "captions": "all",
        "corpora": SAID,
    }
    for loss, negatives, shard, more in (
        ("infonce", "global", "ddp", {"mix": 1.0}),
        ("infonce", "local", "fsdp", {"chunk": 4}),
        ("mixco", "local", "ddp", {"chunk": 4}),
        ("dual_clip", "global", "fsdp", {}),
        ("dual_clip", "local", "ddp", {"chunk": 3}),
        ("infonce", "local", "ddp", {"freeze": ["text_encoder"], "alike": 0.9, "stray": 0.5}),
    )
}  # fmt: skip
JOBS["kept lengths"] = {"short": "keep", "bucket": 2, "mix": 1.0, "corpora": SAID, "shift": True}
NORMS = {
    f"norms {ears} {negatives} {shard}": {**BASE, "steps": 2, "ears": ears, "negatives": negatives, "shard": shard}
    for ears, negatives, shard in itertools.product(("cnn14", "htsat"), ("global", "local"), ("ddp", "fsdp"))
}
NORMS |= {
    f"norms {more}": {**BASE, "steps": 2, "ears": "cnn14", **settings}
    for more, settings in {
        "layers run again": {"checkpointing": True, "shard": "fsdp"},
        "average": {"average": 0.9, "loss": {"name": "mixco"}},
        "frozen": {"freeze": ["audio_encoder"], "chunk": 2},
        "a chunk of all": {"chunk": 12},
        "kept lengths": {"short": "keep", "corpora": SAID},
    }.items()
}
NORMS["norms labels"] = {"task": "tag", "ears": "cnn14 sure", "corpora": SAID[:1], "steps": 2}
JOBS |= NORMS


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARK_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, own_cache: None) -> dict[str, Any]:
    """What two processes make of the jobs."""
    out = tmp_path_factory.mktemp("two") / "made.pt"
    told = spread_run.together([str(Path(spread_run.__file__)), str(out), json.dumps(JOBS)])
    assert "find_unused_parameters" not in told  # DDP is asked to look for what a step leaves out where there is some
    return dict(torch.load(out, weights_only=True))


@pytest.mark.parametrize("job", JOBS)
def test_two_processes_are_one(job: str, two: dict[str, Any]) -> None:
    one, both = spread_run.steps(JOBS[job], world=ALONE), two[job]
    exact = 1e-5 if "fp16" not in job else 2e-3  # sums over half of the rows are rounded to 16 bits, then added
    assert both["losses"] == pytest.approx(one["losses"], abs=exact)
    assert one["losses"][0] != one["losses"][-1]
    for part in ("gradients", "towers", "average"):
        assert one[part].keys() == both[part].keys()
        for name, tensor in one[part].items():
            # Adam makes a whole step of the sign of a gradient near 0.
            tolerance = exact if part == "gradients" else 100 * exact
            torch.testing.assert_close(
                both[part][name], tensor, atol=tolerance, rtol=0, msg=lambda m, n=name: f"{n}: {m}"
            )
    learning = any(tensor.abs().max() > 1e-3 for tensor in one["gradients"].values())
    assert learning


def test_alone_nothing_happens() -> None:
    world = World()
    assert world.first
    assert world.share("x") == "x"
    assert world.collect(3) == [3]
    tensor = torch.arange(3.0)
    assert world.mean(tensor) is tensor
    with world.in_turn(True):
        pass
    assert not torch.distributed.is_initialized()
