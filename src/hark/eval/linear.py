"""Logistic regression: the one convex thing that is trained on frozen vectors; its optimum is scikit-learn's.

It minimises C times the sum of the clips' losses, plus half the squared weights; the bias is free (scikit-learn's
`LogisticRegression(C=C)`). Where a clip has one label the loss is the softmax's, else each label has its own sigmoid
(`OneVsRestClassifier(LogisticRegression(C=C))`). Vectors are standardised first, by the clips that are learnt from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from hark.core.types import Relevance, Vectors

Numbers = NDArray[np.float64]

STEPS = 1000
FLAT = 1e-7  # of the mean loss's gradient: where it is this flat, the optimum is found


@dataclass(frozen=True)
class Linear:
    """A trained layer: `weights` (dim, labels) and `bias` (labels,) for vectors of zero mean and unit variance."""

    mean: Numbers
    scale: Numbers
    weights: Numbers
    bias: Numbers

    def __call__(self, vectors: Vectors) -> Numbers:
        """(clips, labels) logits."""
        logits: Numbers = (vectors.astype(np.float64) - self.mean) / self.scale @ self.weights + self.bias
        return logits


def fit(vectors: Vectors, relevant: Relevance, *, c: float, several: bool, start: Linear | None = None) -> Linear:
    """The optimum for the clips' vectors (clips, dim) and labels (clips, labels); `several`: any number for a clip.

    `start` only saves steps: the optimum of another `c`. The same numbers come out every time.

    Raises ValueError for a label that no clip has or, with `several`, all have: its bias has no optimum.
    """
    share = relevant.mean(axis=0)
    if not share.all() or (several and (share == 1).any()):
        raise ValueError("a label that no clip has, or all have, cannot be learnt")
    mean = vectors.astype(np.float64).mean(axis=0)
    spread = vectors.astype(np.float64).std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    heard = torch.from_numpy((vectors - mean) / scale)
    truth = torch.from_numpy(relevant.astype(np.float64))
    shape = (heard.shape[1], truth.shape[1])
    weights = torch.zeros(shape, dtype=torch.float64) if start is None else torch.from_numpy(start.weights.copy())
    bias = torch.zeros(shape[1], dtype=torch.float64) if start is None else torch.from_numpy(start.bias.copy())
    loss = _several if several else _one

    def objective() -> torch.Tensor:
        return loss(heard @ weights + bias, truth) / len(heard) + weights.square().sum() / (2 * c * len(heard))

    _minimise(objective, [weights, bias])
    return Linear(mean, scale, weights.detach().numpy(), bias.detach().numpy())


def _one(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(logits, truth, reduction="sum")


def _several(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    return F.binary_cross_entropy_with_logits(logits, truth, reduction="sum")


def _minimise(objective: Callable[[], torch.Tensor], parameters: list[torch.Tensor]) -> None:
    for parameter in parameters:
        parameter.requires_grad_(True)
    search = torch.optim.LBFGS(
        parameters,
        max_iter=STEPS,
        tolerance_grad=FLAT,
        tolerance_change=1e-14,
        history_size=20,
        line_search_fn="strong_wolfe",
    )

    def closure() -> torch.Tensor:
        search.zero_grad()
        value = objective()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    search.step(closure)  # type: ignore[no-untyped-call]
