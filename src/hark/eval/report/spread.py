"""How alike pairs are that belong together, and pairs that do not."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hark.core.errors import DataError
from hark.eval.folder import Results


@dataclass(frozen=True)
class Spread:
    """How many pairs have a similarity between two `edges`: `matching` belong together, `others` do not."""

    edges: NDArray[np.float64]
    matching: NDArray[np.int64]
    others: NDArray[np.int64]

    @property
    def apart(self) -> float | None:
        """How often a matching pair is more alike than another one; pairs in one bin count half. None: no others."""
        pairs = int(self.matching.sum()) * int(self.others.sum())
        below = np.cumsum(self.others) - self.others
        won = np.sum(self.matching * (below + 0.5 * self.others), dtype=np.float64)
        return float(won) / pairs if pairs else None

    def middle(self, counts: NDArray[np.int64]) -> float:
        """The middle of the bin in which the median lies."""
        at = int(np.searchsorted(np.cumsum(counts), counts.sum() / 2))
        return float(self.edges[at] + self.edges[at + 1]) / 2


def read(results: Results) -> Spread:
    """The similarities of an evaluation's folder. Raises DataError."""
    path = results.folder / "scores.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        spread = Spread(
            np.array(told["edges"], dtype=np.float64),
            np.array(told["matching"], dtype=np.int64),
            np.array(told["others"], dtype=np.int64),
        )
        if len(spread.matching) != len(spread.edges) - 1 or len(spread.others) != len(spread.matching):
            raise ValueError("bins")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; evaluate again") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not the scores of `hark eval`; evaluate again") from error
    return spread
