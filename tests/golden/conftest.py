"""Numbers made by the original implementations: `golden("beats")` opens a family, and skips where there is none."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# The golden images carry the rounding of MKL's compatible Fourier transforms: where a filter hears next to nothing,
# that rounding is the value, and the originals' own steps differ as much on other processors. Read at MKL's first call.
os.environ.setdefault("MKL_CBWR", "COMPATIBLE")

import numpy as np
import pytest
import torch
from golden_files import ROOT, Golden


@pytest.fixture(autouse=True)
def _inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Converted checkpoints are kept for the tests only."""
    folder: Path = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARK_CACHE", str(folder))
        yield


@pytest.fixture(scope="session")
def golden(_cache: None) -> Callable[[str], Golden]:
    opened: dict[str, Golden] = {}

    def open_family(family: str) -> Golden:
        if not (ROOT / family).is_dir():
            pytest.skip(f"no golden numbers of {family} in {ROOT}; set HARK_GOLDEN")
        if family not in opened:
            opened[family] = Golden(family)
        return opened[family]

    return open_family


def _near(found: Any, golden: Any, *, tolerance: float = 5e-5) -> None:
    """Every number within `tolerance` of the largest golden value."""
    found = found.detach().cpu().numpy() if isinstance(found, torch.Tensor) else np.asarray(found)
    golden = np.asarray(golden)
    assert found.shape == golden.shape
    worst = float(np.abs(found - golden).max()) / max(float(np.abs(golden).max()), 1e-12)
    assert worst <= tolerance, f"off by {worst:.2e} of the largest value"


@pytest.fixture(scope="session")
def near() -> Callable[..., None]:
    return _near


@pytest.fixture(scope="session")
def toml() -> Callable[[Any], str]:
    """A Python value (numbers, strings, lists, tables) as TOML, inline."""

    def write(value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{k} = {write(v)}" for k, v in value.items() if v is not None) + "}"
        return json.dumps(list(value) if isinstance(value, tuple) else value)

    return write
