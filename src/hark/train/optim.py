"""The optimiser of a stage and its learning rate: a linear warm-up, then the stage's schedule; less for lower layers.

With a `layer_decay` of d, layer i of an encoder's n, counted from 0, learns at d^(n - i) of the rate that it had
without, what comes before the layers at d^(n + 1), and what comes behind them, as heads do, at all of it: the rule of
BEiT's fine-tuning (Bao et al. 2022; `get_num_layer_for_vit` in its optim_factory.py), which MAE and AudioMAE took over
(`param_groups_lrd`). A layer is a block in an encoder's outermost list: of HTS-AT, one of its four stages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from hark.core import component
from hark.core.errors import SettingError
from hark.core.settings import suggest
from hark.recipe import Stage

ENCODERS = ("audio_encoder", "text_encoder")


def optimiser(module: nn.Module, stage: Stage) -> torch.optim.Optimizer:
    """The stage's optimiser over what learns; biases, norms and the temperature are not decayed.

    Each group keeps its share of the stage's learning rate under "share": `GroupSpec.rate`, 1 for all others, times
    what `layer_decay` leaves of it.

    Raises SettingError for a part that the module does not have, or an encoder without layers that should have some.
    """
    groups: list[dict[str, Any]] = []
    left = {name: p for name, p in module.named_parameters() if p.requires_grad}
    for spec in stage.groups:
        taken = {n: p for n, p in left.items() if any(n == part or n.startswith(f"{part}.") for part in spec.parts)}
        if not taken:
            known = {name.split(".")[0] for name in left}
            raise SettingError(
                f"stage '{stage.name}': groups: nothing that learns in {', '.join(spec.parts)}; "
                f"{suggest(spec.parts[0] if spec.parts else '', known)}"
            )
        decay = stage.layer_decay if spec.layer_decay is None else spec.layer_decay
        groups += _layered(module, taken, stage, rate=spec.rate, decay=decay)
        left = {name: p for name, p in left.items() if name not in taken}
    groups += _layered(module, left, stage, rate=1.0, decay=stage.layer_decay)
    config = component.config("train.optimisers", stage.optimiser, where=f"stage '{stage.name}': optimiser")
    made: torch.optim.Optimizer = config.build(groups=groups, lr=stage.lr)
    for group in made.param_groups:
        if "fused" in group:
            group["fused"] = all(map(_plain, group["params"]))
    return made


def below(encoder: nn.Module) -> dict[str, int]:
    """How many layers each parameter of an encoder lies below what comes behind them.

    Parameters belong to what comes before the layers where they are registered before the first one's. Empty where
    there are no layers, or lists of them in different parts, whose order nothing tells (Wavegram-Logmel-CNN14).
    """
    layers = list(_layers(encoder))
    if len({tuple(layer.split(".")[:-3]) for layer in layers}) != 1:
        return {}
    found: dict[str, int] = {}
    behind = False
    for name, _ in encoder.named_parameters():
        places = [place for place, layer in enumerate(layers) if name.startswith(layer)]
        behind = behind or bool(places)
        found[name] = len(layers) - places[0] if places else 0 if behind else len(layers) + 1
    return found


def _layers(module: nn.Module, before: str = "") -> Iterator[str]:
    """What the names of each layer's parameters begin with: of what stands in lists, but for torch's own modules."""
    listed = isinstance(module, nn.ModuleList | nn.Sequential | nn.ModuleDict)
    for name, child in module.named_children():
        kinds = type(child).__mro__  # FSDP2 makes a class of its own of ours
        ours = any(kind is not object and not kind.__module__.startswith("torch.") for kind in kinds)
        if listed and ours and any(True for _ in child.parameters()):
            yield f"{before}{name}."
        else:
            yield from _layers(child, f"{before}{name}.")


def _plain(parameter: nn.Parameter) -> bool:
    """Whether torch's fused step takes it: it goes through memory once, for the same result within rounding."""
    known = parameter.device.type in ("cpu", "cuda") and parameter.is_floating_point()
    return known and not hasattr(parameter, "full_tensor") and parameter.is_contiguous()


class Rate:
    """The learning rate of a stage's steps: lr * (step + 1) / warmup, then lr * the schedule's share."""

    def __init__(self, stage: Stage) -> None:
        """Raises SettingError for a schedule that is none."""
        self.stage = stage
        where = f"stage '{stage.name}': schedule"
        self.share: Callable[[float, Sequence[float]], float] = component.config(
            "train.schedules", stage.schedule, where=where
        ).build()

    def __call__(self, step: int, validations: Sequence[float] = ()) -> float:
        """The rate of a step (counted from 0), after the validations there were (higher is better)."""
        stage = self.stage
        if step < stage.warmup:
            return stage.lr * (step + 1) / stage.warmup
        done = (step - stage.warmup) / max(1, stage.steps - stage.warmup)
        return stage.lr * self.share(done, validations)


def _layered(
    module: nn.Module, taken: Mapping[str, nn.Parameter], stage: Stage, *, rate: float, decay: float
) -> list[dict[str, Any]]:
    """The groups of the parameters that are `taken` of a module, each layer at its own share of the learning rate."""
    steps: dict[str, int] = {}
    if decay != 1.0:
        for part in ENCODERS:
            if not any(name.startswith(f"{part}.") for name in taken):
                continue
            found = below(module.get_submodule(part))
            if not found:
                raise SettingError(
                    f"stage '{stage.name}': layer_decay: the {part} is not one pile of numbered layers; "
                    f'freeze it, or add to groups {{ parts = ["{part}"], rate = {rate}, layer_decay = 1.0 }}'
                )
            steps |= {f"{part}.{name}": count for name, count in found.items()}
    shares: dict[float, list[nn.Parameter]] = {rate: []}
    for name, parameter in taken.items():
        shares.setdefault(rate * decay ** steps.get(name, 0), []).append(parameter)
    return [group for share, learning in shares.items() for group in _decayed(learning, stage, share=share)]


def _decayed(learning: list[nn.Parameter], stage: Stage, *, share: float) -> list[dict[str, Any]]:
    return [
        {"params": [p for p in learning if p.dim() > 1], "weight_decay": stage.weight_decay, "share": share},
        {"params": [p for p in learning if p.dim() <= 1], "weight_decay": 0.0, "share": share},
    ]
