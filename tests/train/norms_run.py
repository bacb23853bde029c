"""What `test_norms.py` runs in three processes: batch norms of which each process has some rows, or none.

As a program: `norms_run.py FOLDER`, for what each of the processes made.
"""

from __future__ import annotations

import multiprocessing
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from hark.train import norms
from hark.train.world import World

CHANNELS, STEPS = 5, 3


@dataclass(frozen=True)
class Case:
    """A norm, and (rows, places...) of each process in each step."""

    norm: type[nn.BatchNorm1d] | type[nn.BatchNorm2d]
    shapes: tuple[tuple[int, ...], ...]
    settings: dict[str, Any]
    dtype: torch.dtype = torch.float64
    mean: float = 3.0  # of the values; their standard deviation is near 1

    def values(self, step: int) -> list[Tensor]:
        """(rows, channels, places...) of each process."""
        drawn = torch.Generator().manual_seed(step)
        made = [torch.randn(n, CHANNELS, *places, generator=drawn, dtype=torch.float64) for n, *places in self.shapes]
        return [(self.mean + (1 + place) * one).to(self.dtype) for place, one in enumerate(made)]

    def wanted(self, values: Tensor) -> Tensor:
        """Some gradient for what is made of `values`: each depends on its value, so that no sum is 0."""
        return (values.double() * 1.7).sin().to(values.dtype)

    def build(self) -> nn.Module:
        """The norm, with weights of its own."""
        made = self.norm(
            CHANNELS, dtype=torch.float64 if self.dtype == torch.float64 else torch.float32, **self.settings
        )
        if made.affine:
            with torch.no_grad():
                made.weight.copy_(torch.linspace(0.5, 2.0, CHANNELS))
                made.bias.copy_(torch.linspace(-1.0, 1.0, CHANNELS))
        return made


CASES = {
    "rows": Case(nn.BatchNorm1d, ((4,), (1,), (3,)), {}),
    "lengths": Case(nn.BatchNorm1d, ((2, 7), (3, 4), (1, 9)), {"momentum": None}),
    "images": Case(nn.BatchNorm2d, ((2, 3, 4), (5, 2, 4), (1, 1, 1)), {"momentum": 0.3, "eps": 1e-3}),
    "one has none": Case(nn.BatchNorm2d, ((0, 3, 4), (2, 3, 4), (1, 3, 4)), {}),
    "no weights": Case(nn.BatchNorm1d, ((4, 2), (1, 2), (3, 2)), {"affine": False}),
    "no statistics": Case(nn.BatchNorm1d, ((4, 2), (1, 2), (3, 2)), {"track_running_stats": False}),
    "far from 0": Case(nn.BatchNorm2d, ((20, 8, 8), (11, 8, 8), (3, 8, 8)), {}, torch.float32, 300.0),
    "16 bits": Case(nn.BatchNorm2d, ((20, 8, 8), (11, 8, 8), (3, 8, 8)), {}, torch.bfloat16),
}


def run(norm: nn.Module, case: Case, batches: list[Tensor]) -> dict[str, Any]:
    """What a norm makes of its batches, and what their gradients are; its state after them, and its inference."""
    outs, gradients = [], []
    for values in batches:
        values = values.clone().requires_grad_()
        made = norm(values)
        made.backward(case.wanted(values.detach()))
        outs.append(made.detach())
        gradients.append(values.grad)
    learned = {name: parameter.grad for name, parameter in norm.named_parameters()}
    state = {name: tensor.clone() for name, tensor in norm.state_dict().items()}
    infer = norm.eval()(batches[0]).detach() if case.settings.get("track_running_stats", True) else None
    return {"outs": outs, "gradients": gradients, "learned": learned, "state": state, "infer": infer}


def member(rank: int, folder: Path) -> None:
    """What a process does: with one other, and then, as all three, once more."""
    torch.set_num_threads(1)
    for size in (2, 3):
        if rank >= size:
            continue
        store = dist.FileStore(str(folder / f"meet-{size}"), size)
        dist.init_process_group("gloo", store=store, rank=rank, world_size=size)
        found = {}
        for name, case in CASES.items():
            norm = case.build()
            norms.join(norm, World(rank, size))
            found[name] = run(norm, case, [case.values(step)[rank] for step in range(STEPS)])
        torch.save(found, folder / f"{size}-{rank}.pt")
        dist.destroy_process_group()


if __name__ == "__main__":
    fork = multiprocessing.get_context("fork")  # torch is imported once
    members = [fork.Process(target=member, args=(rank, Path(sys.argv[1]))) for rank in range(3)]
    for one in members:
        one.start()
    for one in members:
        one.join(timeout=120)
    sys.exit(any(one.exitcode != 0 for one in members))
