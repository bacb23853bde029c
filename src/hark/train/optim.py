"""The optimiser and its learning rate: AdamW, linear warm-up, cosine to zero."""

from __future__ import annotations

import math

import torch
from torch import nn

from hark.recipe import Stage


def optimiser(module: nn.Module, stage: Stage) -> torch.optim.AdamW:
    """AdamW over what learns; biases, norms and the temperature are not decayed."""
    learning = [p for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learning if p.dim() > 1], "weight_decay": stage.weight_decay},
        {"params": [p for p in learning if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=stage.lr, betas=(0.9, 0.98), eps=1e-8)


def rate(step: int, stage: Stage) -> float:
    """The learning rate of a step (counted from 0): lr * (step + 1) / warmup, then lr * (1 + cos) / 2 down to 0."""
    if step < stage.warmup:
        return stage.lr * (step + 1) / stage.warmup
    done = (step - stage.warmup) / max(1, stage.steps - stage.warmup)
    return stage.lr * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))
