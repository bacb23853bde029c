"""Where small captioners find their sounds, and one that is trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_captioner


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARK_CACHE", str(tmp_path_factory.getbasetemp() / "caption-cache"))


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the synthesised sounds lie."""
    return tmp_path_factory.mktemp("caption-sounds")


@pytest.fixture(scope="session")
def trained(sounds: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of a run with each decoder."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARK_CACHE", str(tmp_path_factory.getbasetemp() / "caption-cache"))
        for decoder in ("transformer", "gru"):
            found[decoder] = tmp_path_factory.mktemp(decoder)
            small_captioner.train(small_captioner.recipe(sounds, decoder), found[decoder])
    return found
