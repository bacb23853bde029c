"""The names of the arrays that flow through hark, with their shapes and units."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Wave: TypeAlias = NDArray[np.float32]
"""(samples,) mono sound, full scale is 1.0."""

Vectors: TypeAlias = NDArray[np.float32]
"""(n, dim) embeddings, each row of length 1."""

Scores: TypeAlias = NDArray[np.floating[Any]]
"""(queries, items) similarities; higher is more alike."""

Relevance: TypeAlias = NDArray[np.bool_]
"""(queries, items) true where the item answers the query."""

Ranks: TypeAlias = NDArray[np.int64]
"""Places in a ranking; the best place is 1."""
