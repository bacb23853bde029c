"""Vectors of all processes in one place, with gradients back to where they came from; alone, they are what they were.

Every process compares the vectors of all. With gradients averaged over the processes, as DDP and FSDP do, both ways
to do that give the gradient of one process with the whole batch:

    "global": each computes the whole loss L;                       the mean over processes of L is L
    "local": each computes the loss of its rows against all, L_r;   the mean over processes of L_r is L

and a vector's gradient is the sum of what all processes' losses say of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from hark.train.world import World


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, rows: Tensor) -> Tensor:
        context.rows = len(rows)
        made = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(made, rows)
        return torch.cat(made)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        gradient = gradient.contiguous()
        dist.all_reduce(gradient)
        first = dist.get_rank() * context.rows
        return gradient[first : first + context.rows]


def gather(rows: Tensor, world: World, counts: Sequence[int] | None = None) -> Tensor:
    """(n, ...) of each process -> all of them, by rank; gradients flow back.

    `counts` are the n of every process; None: they are all alike.
    """
    if world.size == 1:
        return rows
    most = len(rows) if counts is None else max(counts)
    if len(rows) < most:
        rows = torch.cat([rows, rows.new_zeros(most - len(rows), *rows.shape[1:])])
    made: Tensor = _Gather.apply(rows.contiguous())  # type: ignore[no-untyped-call]
    if counts is None or min(counts) == most:
        return made
    return torch.cat([made[rank * most : rank * most + count] for rank, count in enumerate(counts)])


def gather_all(vectors: dict[str, Tensor], world: World, counts: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
    """`gather` of several (n, dim), in one go; what is a single number stays what it is.

    Of those that `counts` names every process may have another n, and they go by themselves.
    """
    names = [name for name, made in vectors.items() if made.dim() > 0]
    if world.size == 1 or not names:
        return vectors
    found = {name: gather(vectors[name], world, counts[name]) for name in names if name in counts}
    names = [name for name in names if name not in counts]
    if not names:
        return {**vectors, **found}
    widths = [vectors[name].shape[1] for name in names]
    whole = gather(torch.cat([vectors[name] for name in names], dim=1), world)
    return {**vectors, **found, **dict(zip(names, torch.split(whole, widths, dim=1), strict=True))}
