"""The rows of published checkpoints are whole, and say of their architecture what its recipe says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from published import plugins

from hark import recipe as recipes
from hark.checkpoints import obtain
from hark.checkpoints.rows import Row, by_file, find, rows
from hark.core import component
from hark.core.errors import SettingError, WeightsError
from hark.recipe import captioner
from hark.runtime.load import architecture, load

# Named in the issue trackers, reports and papers that docs/published.md lists.
NAMED = (
    "laion/630k-audioset-best",
    "laion/clap-htsat-unfused",
    "microsoft/clap-2022",
    "microsoft/clap-2023",
    "passt-s-p16-s10-ap476",
    "passt-s-p16-s16-ap468",
    "panns-cnn14-map431",
    "beats-iter3-plus",
    "ast-audioset-ap459",
    "cav-mae-scale-pp",
    "vast/clip",
    "htsat-audioset-1",
    "wavcaps/htsat-bert-zero-shot",
)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_a_row_agrees_with_its_recipe(row: Row) -> None:
    assert row.licence
    assert row.tower
    if row.unread is not None:
        with pytest.raises(WeightsError, match=f"^{row.name}: hark cannot load it: "):
            obtain.obtain(row)
        return
    assert row.family in component.names("models.renames")
    if row.captioner is not None:
        assert captioner.load(row.captioner).ears is not None
        with pytest.raises(WeightsError, match=f"hark caption --model {row.name}"):
            obtain.obtain(row)
        return
    if row.recipe is None:  # a Hugging Face folder says itself what it is
        assert row.address is not None
        assert row.address.startswith("hf:")
    recipe = obtain.architecture(row)
    assert recipe.name == row.name
    assert (recipe.audio.rate_hz, recipe.dim) == (row.rate_hz, row.dim)
    assert recipe.compat is not None  # how its original hears is known of each
    component.config("runtime.compat", recipe.compat, where=row.name).build(audio=recipe.audio)


def test_the_known_ones_have_rows() -> None:
    assert set(NAMED) <= {row.name for row in rows()}


def test_no_two_rows_have_one_name_or_one_file() -> None:
    names = [row.name for row in rows()]
    assert len(names) == len(set(names))
    addresses = [row.address for row in rows() if row.address]
    assert len(addresses) == len(set(addresses))


def test_no_name_means_a_recipe_and_a_checkpoint_of_another_architecture() -> None:
    for row in rows():
        if row.name in recipes.names():
            assert row.recipe == row.name


def test_a_files_name_tells_its_row() -> None:
    found = by_file("Cnn14_mAP=0.431.pth")
    assert found is not None
    assert found.name == "panns-cnn14-map431"
    assert by_file("model.pt") is None


READABLE = [row for row in rows() if row.unread is None and row.captioner is None]


@pytest.mark.parametrize("row", READABLE, ids=lambda row: row.name)
def test_a_rows_towers_can_be_built_without_its_file(row: Row) -> None:
    """What `--weights none` does, without the memory."""
    with torch.device("meta"):
        towers = architecture(row.name).build()
    assert isinstance(towers.audio_encoder, torch.nn.Module)


@pytest.mark.parametrize(
    "name",
    [
        "laion/clap-htsat-unfused",
        pytest.param("laion/clap-htsat-fused", marks=pytest.mark.slow),
        pytest.param("laion/larger-clap-general", marks=pytest.mark.slow),
        pytest.param("mit/ast-finetuned-audioset-10-10-0.4593", marks=pytest.mark.slow),
    ],
)
def test_a_model_of_the_hub_hears_with_random_weights(name: str) -> None:
    model = load(name, weights="none")
    sound = (np.sin(np.arange(11 * 16000) / 9.0).astype(np.float32) * 0.2, 16000)
    assert model.embed_audio([sound]).shape == (1, find(name).dim)
    heard = model.hear(sound)
    assert (heard.logits is None) == ("clap" in name)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("laion/larger_clap_general", "laion/larger-clap-general"),
        ("laion/larger_clap_music_and_speech", "laion/larger-clap-music-and-speech"),
        ("MIT/ast-finetuned-audioset-10-10-0.4593", "mit/ast-finetuned-audioset-10-10-0.4593"),
        ("LAION/630k_audioset_best", "laion/630k-audioset-best"),
    ],
)
def test_a_name_is_found_however_it_is_spelt(name: str, row: str) -> None:
    assert find(name).name == row
    assert architecture(name).name == row


def test_the_hubs_own_names_are_names() -> None:
    for row in rows():
        if row.address is not None and row.address.startswith("hf:") and row.recipe is None and row.captioner is None:
            assert find(row.address.removeprefix("hf:")) == row


def test_no_two_names_are_one_spelling() -> None:
    assert all(find(row.name) == row for row in rows())


def test_a_wrong_name_is_told_the_nearest() -> None:
    with pytest.raises(SettingError, match=r"did you mean 'laion/630k-audioset-best'\?"):
        find("laion/630k-audioset-bset")


def test_plugins_bring_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARK_PLUGINS", str(plugins(tmp_path / "own")))
    assert find("tests/small").file_name == "small_published.pth"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[checkpoint]]\nname = "a"\nabuot = "b"', "a: abuot: unknown setting; did you mean 'about'"),
        ("checkpoint = 3", "write each as a table"),
        ("[[checkpoint]", "not TOML"),
    ],
)
def test_a_wrong_row_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "own.toml").write_text(text)
    monkeypatch.setenv("HARK_PLUGINS", str(tmp_path))
    with pytest.raises(SettingError, match=told):
        rows()
