"""Which sentences of a batch are true of which of its sounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Positives = Literal["labels", "sentences", "own"]
"""What counts as true of a clip beside its own sentences: those of clips with the same labels and the same sentences
said of others, the latter alone, or nothing."""


def says_same(
    groups: Sequence[str], said: Sequence[Sequence[str]], positives: Positives = "labels"
) -> NDArray[np.float32]:
    """Which texts are true of which row, (rows, texts): those of a row of its group, and those in the row's own words.

    `said[i]` are the texts of row i; the texts of all rows stand one after the other. Upper and lower case are alike.
    With `positives` "own" words do not count: only a row of the same group, which is then the same clip.
    """
    owners = np.repeat(np.arange(len(said)), [len(texts) for texts in said])  # (texts,)
    _, words = np.unique([text.casefold() for texts in said for text in texts], return_inverse=True)
    _, keys = np.unique(list(groups), return_inverse=True)
    own = np.zeros((len(said), int(words.max()) + 1), dtype=bool)  # (rows, distinct texts)
    own[owners, words] = True
    grouped = keys[:, None] == keys[owners][None, :]
    same: NDArray[np.float32] = (grouped if positives == "own" else grouped | own[:, words]).astype(np.float32)
    return same
