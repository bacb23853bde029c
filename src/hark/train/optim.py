"""The optimiser of a stage and its learning rate: a linear warm-up, then the stage's schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from hark.core import component
from hark.core.errors import SettingError
from hark.core.settings import suggest
from hark.recipe import Stage


def optimiser(module: nn.Module, stage: Stage) -> torch.optim.Optimizer:
    """The stage's optimiser over what learns; biases, norms and the temperature are not decayed.

    Each group keeps its share of the stage's learning rate under "share" (`GroupSpec.rate`, 1 for all others).

    Raises SettingError for a part that the module does not have.
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
        groups += _decayed(list(taken.values()), stage, share=spec.rate)
        left = {name: p for name, p in left.items() if name not in taken}
    groups += _decayed(list(left.values()), stage, share=1.0)
    config = component.config("train.optimisers", stage.optimiser, where=f"stage '{stage.name}': optimiser")
    made: torch.optim.Optimizer = config.build(groups=groups, lr=stage.lr)
    for group in made.param_groups:
        if "fused" in group:
            group["fused"] = all(map(_plain, group["params"]))
    return made


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


def _decayed(learning: list[nn.Parameter], stage: Stage, *, share: float) -> list[dict[str, Any]]:
    return [
        {"params": [p for p in learning if p.dim() > 1], "weight_decay": stage.weight_decay, "share": share},
        {"params": [p for p in learning if p.dim() <= 1], "weight_decay": 0.0, "share": share},
    ]
