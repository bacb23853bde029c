"""Batch norms of a training: over the rows of all processes together, and each row counted once.

A process tells how many values of each channel it has, their mean and their variance, and those of all are put together
(Chan et al. 1979), so that rows and their lengths may differ between processes. Torch's SyncBatchNorm does the same on
GPUs, with kernels of its own, and refuses the CPU.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from hark.recipe import Stage
from hark.train.world import World


class Norm(_BatchNorm):
    """A batch norm that learns from the rows of all processes; alone, or in inference mode, it is torch's."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """(rows, channels) or (rows, channels, ...) -> the same shape."""
        if not self.training or not dist.is_initialized() or dist.get_world_size() == 1:
            return super().forward(input)
        made: Tensor = self._together(input)
        return made

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # what processes tell each other is not compiled
    def _together(self, values: Tensor) -> Any:
        mean, variance, count = _of_all(values.detach())
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            share = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean, share)
            self.running_var.lerp_((variance * count / (count - 1).clamp(min=1)).to(mean.dtype), share)
        return _Normed.apply(values, self.weight, self.bias, mean, variance, count, self.eps)  # type: ignore[no-untyped-call]

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - torch's name
        assert input.dim() >= 2, input.shape


class _Normed(torch.autograd.Function):
    """Values normed by the mean and variance that all processes' values have, which depend on each of them."""

    @staticmethod
    def forward(
        context: Any,
        values: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        mean: Tensor,
        variance: Tensor,
        count: Tensor,
        eps: float,
    ) -> Tensor:
        context.save_for_backward(values, weight, mean, (variance + eps).rsqrt(), count)
        return F.batch_norm(values, mean, variance, weight, bias, training=False, eps=eps)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        values, weight, mean, inverse, count = context.saved_tensors
        axes, wide = _axes(values), (-1, *(1 for _ in values.shape[2:]))
        gradient = gradient.to(mean.dtype)
        normed = (values.to(mean.dtype) - mean.view(wide)) * inverse.view(wide)
        of_bias, of_weight = gradient.sum(axes), (gradient * normed).sum(axes)
        of_values = None
        if context.needs_input_grad[0]:
            both = torch.stack([of_bias, of_weight])  # of this process's rows, as its other gradients are
            dist.all_reduce(both)
            first, second = (both / count).to(mean.dtype).view(2, *wide)
            steepness = inverse if weight is None else inverse * weight
            of_values = ((gradient - first - normed * second) * steepness.view(wide)).to(values.dtype)
        return of_values, *((None, None) if weight is None else (of_weight, of_bias)), None, None, None, None


def _of_all(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and variance (channels,) of the values of all processes, and how many values a channel has."""
    axes, channels = _axes(values), values.shape[1]
    values = values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
    none = values.new_zeros(channels)  # what a process without rows tells
    variance, mean = torch.var_mean(values, dim=axes, correction=0) if values.numel() else (none, none)
    count = mean.new_full((1,), values.numel() // channels, dtype=torch.float64)
    own = torch.cat([count, mean.double(), variance.double()])
    told = [torch.empty_like(own) for _ in range(dist.get_world_size())]
    dist.all_gather(told, own)
    counts, means, variances = torch.split(torch.stack(told), [1, channels, channels], dim=1)
    total = counts.sum()
    middle = (counts * means).sum(dim=0) / total
    spread = (counts * (variances + (means - middle).square())).sum(dim=0) / total
    return middle.to(mean.dtype), spread.to(mean.dtype), total


def _axes(values: Tensor) -> list[int]:
    """All but the channels'."""
    return [0, *range(2, values.dim())]


def join(module: nn.Module, world: World) -> None:
    """Makes a module's batch norms count the rows of all processes, where there are several; names stay."""
    if world.size == 1:
        return
    if world.device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
        return
    for norm in module.modules():
        if type(norm) in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d):
            norm.__class__ = Norm  # as torch's lazy layers become what they are


@contextlib.contextmanager
def uncounted(module: nn.Module) -> Iterator[None]:
    """Here a module's batch norms take what they are given into no running statistics: it was, or will be, counted."""
    norms = _norms(module)
    kept = [(norm.momentum, None if (n := norm.num_batches_tracked) is None else n.clone()) for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, (momentum, counted) in zip(norms, kept, strict=True):
            norm.momentum = momentum
            if counted is not None and norm.num_batches_tracked is not None:
                norm.num_batches_tracked.copy_(counted)


def told(module: nn.Module, stage: Stage, world: World) -> str:
    """A line on what a stage's `chunk` does to the batch norms that learn; "" where it does nothing to them."""
    rows = stage.batch if stage.chunk is None else min(stage.chunk * world.size, stage.batch)
    if rows == stage.batch or stage.task == "distil":
        return ""
    still = {norm for part in stage.freeze for norm in _norms(module.get_submodule(part))}
    if all(norm in still for norm in _norms(module)):
        return ""
    return f"stage '{stage.name}': batch norms count {rows} rows at a time, not the batch's {stage.batch}: chunk"


def _norms(module: nn.Module) -> Sequence[_BatchNorm]:
    return [one for one in module.modules() if isinstance(one, _BatchNorm)]
