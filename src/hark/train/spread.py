"""Towers spread over processes: whole in each (DDP), or each with a part of every tensor (FSDP2); and put together.

Gradients are means over the processes either way. Tensors of a single number (the temperature) cannot be cut; under
FSDP2 they are whole everywhere, and `loose` finds them.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from hark.train.by_row import ByRow, running
from hark.train.norms import uncounted
from hark.train.world import World


def blocks(module: nn.Module) -> list[nn.Module]:
    """The layers that a tower is a pile of: alike, one after the other, with no such pile inside.

    They stand in a list, or are numbered by their names ("conv_block1", ...). One that can `hear` in a way of its own
    is none: it is not known by its call alone.
    """
    found: list[nn.Module] = []
    for pile in module.modules():
        listed = isinstance(pile, nn.ModuleList | nn.Sequential)
        children = dict(pile.named_children())
        kinds = {name: ("" if listed else name.rstrip("0123456789"), type(child)) for name, child in children.items()}
        found += [
            child
            for name, child in children.items()
            if list(kinds.values()).count(kinds[name]) > 1
            and not type(child).__module__.startswith("torch.")
            and not isinstance(child, _BatchNorm)  # of several processes, one of ours
            and not hasattr(child, "hear")
            and any(True for _ in child.parameters())
        ]
    return [one for one in found if not any(part in found for part in list(one.modules())[1:])]


def shard(whole: nn.Module, world: World, *, apart: Iterable[nn.Parameter] = ()) -> None:
    """Cuts every tensor into a part for each process (FSDP2), where it stands; make the optimiser afterwards.

    Blocks whose tensors others use as well (tied weights) are cut with the rest; those `apart` are not cut.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(world.device.type, (world.size,))
    uncut = {parameter for parameter in whole.parameters() if parameter.dim() == 0} | set(apart)
    users: dict[nn.Parameter, int] = {}
    for part in whole.modules():
        for parameter in part._parameters.values():
            if parameter is not None:
                users[parameter] = users.get(parameter, 0) + 1
    for block in blocks(whole):
        held = list(block.parameters())
        if all(users[p] == 1 and p not in uncut for p in held):
            fully_shard(block, mesh=mesh)
    fully_shard(whole, mesh=mesh, ignored_params=uncut)


def replicate(whole: nn.Module, *, unused: bool) -> nn.Module:
    """The module with its gradients averaged over the processes (DDP); `unused`: a step leaves out some that learn."""
    from torch.nn.parallel import DistributedDataParallel

    return DistributedDataParallel(whole, find_unused_parameters=unused)


@contextlib.contextmanager
def held_back(whole: nn.Module, *, last: bool) -> Iterator[None]:
    """Gradients made here are averaged over the processes with the `last` part of a batch, not before."""
    from torch.distributed.fsdp import FSDPModule
    from torch.nn.parallel import DistributedDataParallel

    if isinstance(whole, FSDPModule):
        whole.set_requires_gradient_sync(last)
    with whole.no_sync() if isinstance(whole, DistributedDataParallel) and not last else contextlib.nullcontext():
        yield


def loose(parameters: list[nn.Parameter]) -> list[nn.Parameter]:
    """Of a sharded module's parameters those that are whole in every process."""
    sharded = [parameter for parameter in parameters if hasattr(parameter, "full_tensor")]
    return [parameter for parameter in parameters if not hasattr(parameter, "full_tensor")] if sharded else []


def clip(parameters: list[nn.Parameter], longest: float) -> None:
    """`torch.nn.utils.clip_grad_norm_`, also where only some of the parameters are cut into parts."""
    whole = loose(parameters)
    if not whole:
        torch.nn.utils.clip_grad_norm_(parameters, longest)
        return
    cut = [p for p in parameters if hasattr(p, "full_tensor")]
    norms = []
    for some in (cut, whole):
        norm: Any = torch.nn.utils.get_total_norm([p.grad for p in some if p.grad is not None])
        norms.append(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)
    total = torch.stack(norms).norm()
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.mul_((longest / (total + 1e-6)).clamp(max=1.0))


def full(tensors: Mapping[str, Any], world: World) -> dict[str, Any]:
    """A state dict, or any table of tensors and tables, put together in the first process; others get empty ones."""
    made: dict[str, Any] = {}
    for name, value in tensors.items():
        if isinstance(value, Mapping):
            value = full(value, world)
        elif hasattr(value, "full_tensor"):
            value = value.full_tensor()
            value = value.detach().cpu() if world.first else None
        made[name] = value
    return made


def put(target: Tensor, value: Tensor) -> None:
    """Copies a whole tensor to one that may be cut into parts."""
    with torch.no_grad():
        target.copy_(part_of(value, target))


def part_of(value: Tensor, like: Tensor) -> Tensor:
    """A whole tensor, cut as `like` is."""
    if not hasattr(like, "full_tensor") or hasattr(value, "full_tensor"):
        return value
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(like, DTensor)
    value = value.to(device=like.device, dtype=like.dtype)
    return distribute_tensor(value, like.device_mesh, like.placements)


@contextlib.contextmanager
def recomputed(module: nn.Module) -> Iterator[None]:
    """Here the blocks of a module keep nothing for the backward pass but their input, and run once more in it."""
    changed = blocks(module)
    for block in changed:
        contexts = functools.partial(_twice, block)
        block.forward = functools.partial(checkpoint, block.forward, use_reentrant=False, context_fn=contexts)
    try:
        yield
    finally:
        for block in changed:
            del block.forward


def _twice(block: nn.Module) -> tuple[Any, Any]:
    """What both runs of a block are in: the second draws what the first drew, and counts in no running statistics."""
    now = running()
    return contextlib.nullcontext(), _again(block, None if now is None else now.again())


@contextlib.contextmanager
def _again(block: nn.Module, drawn: ByRow | None) -> Iterator[None]:
    with drawn or contextlib.nullcontext(), uncounted(block):
        yield
