"""The batch of all processes, as they tell it each other in words: what is right for what, and how many sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hark.data.batches import Batch
from hark.data.positives import says_same
from hark.train.world import World

Answers = Callable[[Sequence[tuple[str, str]], Sequence[str]], NDArray[np.float32]]
"""(corpus and id of n clips, m sentences) -> (n, m) how right each sentence is for each clip."""


@dataclass(frozen=True)
class Whole:
    """`same` (n, m) of all processes, `owners` (m,) each sentence's row, `counts` how many sentences a process has."""

    same: NDArray[np.float32]
    owners: tuple[int, ...]
    counts: tuple[int, ...]


def together(batch: Batch, world: World, answers: Answers | None = None) -> Whole:
    """The batch of all processes, given this one's part; alone it is that. `answers` stand instead of its own words."""
    own = batch.owners or tuple(range(len(batch.texts)))
    if world.size == 1:
        return Whole(batch.same, own, (len(batch.texts),))
    clips = list(zip(batch.corpora, batch.ids, strict=True))
    told = world.collect((batch.groups, clips, batch.texts, own))
    each = len(batch.waves)
    owners = tuple(rank * each + owner for rank, (*_, owned) in enumerate(told) for owner in owned)
    texts = [text for _, _, said, _ in told for text in said]
    if answers is not None:
        same = answers([clip for _, of, _, _ in told for clip in of], texts)
    else:
        said_of: list[list[str]] = [[] for _ in range(each * world.size)]
        for owner, text in zip(owners, texts, strict=True):
            said_of[owner].append(text)
        same = says_same([group for groups, *_ in told for group in groups], said_of, batch.positives)
    return Whole(same, owners, tuple(len(said) for _, _, said, _ in told))
