"""What a model's vectors are when they are compared: a tower's own, or with what its branch makes of them beside it.

LAION-CLAP's dual loss (LAION 2022, section 3.3, eq. 4) never compares the two towers' own vectors: it compares each
with the other tower's branch, and so does its validation (`get_metrics`). Towers trained by it alone find nothing by
the cosine of their own vectors. With a' = audio_branch(a) and t' = text_branch(t), all of unit length,

    [a, a'] . [t', t] / 2 = (a . t' + a' . t) / 2

so one vector of twice the size, for a sound or a sentence, is all that an index needs. LAION's code multiplies the two
terms with their temperatures and leaves a' and t' as long as they are; unit vectors rank nearly the same.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Compare = Literal["towers", "branches"]
"""What is compared: the two towers' vectors, or each tower's with the other one's branch."""


def sounds(towers: nn.Module, vectors: Tensor) -> Tensor:
    """The audio tower's unit vectors (n, dim) as they are compared, with the branch's behind them: (n, 2 dim)."""
    branched: Tensor = towers.get_submodule("audio_branch")(vectors)
    return _beside(vectors, branched)


def sentences(towers: nn.Module, vectors: Tensor) -> Tensor:
    """The text tower's unit vectors (n, dim) as they are compared, with the branch's before them: (n, 2 dim)."""
    branched: Tensor = towers.get_submodule("text_branch")(vectors)
    return _beside(branched, vectors)


def _beside(first: Tensor, second: Tensor) -> Tensor:
    both: Tensor = torch.cat([F.normalize(first, dim=-1), F.normalize(second, dim=-1)], dim=-1) * 0.5**0.5
    return both
