"""A captioner is no model for retrieval: loading it as one is refused in a line that says what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hark.core.errors import WeightsError
from hark.models import weights
from hark.runtime.load import load


def saved(path: Path, assets: dict[str, str]) -> Path:
    """A file that hark wrote, with these assets beside a recipe that is not one of a retrieval model."""
    path.parent.mkdir(parents=True, exist_ok=True)
    recipe = 'about = "x"\nears = { model = "mini" }\n'
    weights.save(path, weights.Saved({"voices.0.x": torch.zeros(1)}, "small", recipe, assets, {}))
    return path


def test_file_and_folder(tmp_path: Path) -> None:
    file = saved(tmp_path / "run" / "model.safetensors", {"ears": "dim = 3"})
    for given in (file, file.parent):
        with pytest.raises(WeightsError) as error:
            load(str(given))
        told = str(error.value)
        assert told.startswith(f"{file}: a captioner, not a model for retrieval; ")
        assert f"hark caption --model {file}" in told
        assert told.endswith("(in Python: hark.caption.file.load)")
        assert "\n" not in told


@pytest.mark.parametrize("name", ["sjtu-2022/captioning-gru", "microsoft/clapcap-2023"])
@pytest.mark.parametrize("which", ["trained", "none"])
def test_names(name: str, which: str) -> None:
    with pytest.raises(WeightsError, match=f"^{name}: a captioner, .*hark caption --model {name}"):
        load(name, weights=which)  # type: ignore[arg-type]
