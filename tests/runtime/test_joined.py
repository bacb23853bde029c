"""Models joined to one: its cosine is the weighted mean of theirs."""

import numpy as np
import pytest
import torch

from hark import recipe as recipes
from hark.core.errors import SettingError, WeightsError
from hark.models import weights as files
from hark.models.towers import Towers
from hark.runtime.ensemble import Joined, as_embedder
from hark.runtime.load import load
from hark.runtime.model import Model
from hark.text.vocabulary import make_vocabulary


def built(seed: int, *changes: str) -> tuple[recipes.Recipe, Towers]:
    torch.manual_seed(seed)
    recipe = recipes.load("tiny", changes=["text.encoder.vocabulary=300", *changes])
    vocabulary = make_vocabulary(["a dog barks", "rain falls"], words=[], size=200)
    return recipe, recipe.build(assets={"tokenizer": vocabulary})


def untrained(seed: int, *changes: str) -> Model:
    return Model(*built(seed, *changes), stamp=f"chance {seed}")


@pytest.fixture(scope="module")
def models() -> list[Model]:
    return [untrained(1), untrained(2, "dim=64"), untrained(3, "audio.rate_hz=8000", "audio.features.f_max_hz=4000")]


def sounds(number: int) -> list[tuple[np.ndarray, int]]:  # type: ignore[type-arg]
    rng = np.random.default_rng(0)
    return [(0.1 * rng.standard_normal(16000 * (2 + place)).astype(np.float32), 16000) for place in range(number)]


def test_its_cosine_is_the_weighted_mean(models: list[Model]) -> None:
    texts, counts = ["rain", "a dog barks", "dog"], [2.0, 1.0, 0.5]
    joined = Joined(models, counts)
    heard, read = joined.embed_audio(sounds(3)), joined.embed_text(texts)
    assert heard.shape == (3, joined.dim) == (3, sum(model.dim for model in models))
    for vectors in (heard, read):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    each = [model.embed_text(texts) @ model.embed_audio(sounds(3)).T for model in models]
    np.testing.assert_allclose(read @ heard.T, np.average(each, axis=0, weights=counts), atol=1e-6)


def test_windows_where_all_hear_the_same(models: list[Model]) -> None:
    spans, vectors = Joined(models[:2]).embed_windows(sounds(3)[2])
    assert np.array_equal(spans, models[0].embed_windows(sounds(3)[2])[0])
    assert vectors.shape == (len(spans), models[0].dim + models[1].dim)
    with pytest.raises(SettingError, match="other lengths, hops or rates"):
        Joined(models).embed_windows(sounds(1)[0])


def test_the_stamp_is_of_models_order_and_weights(models: list[Model]) -> None:
    a, b = models[:2]
    stamps = {Joined(given, counts).stamp for given, counts in (([a, b], [1, 1]), ([b, a], [1, 1]), ([a, b], [1, 2]))}
    assert len(stamps) == 3
    assert Joined([a, b]).stamp == Joined([a, b], [1, 1]).stamp


def test_what_cannot_be_joined_is_refused(models: list[Model]) -> None:
    for given, counts, said in (
        ([], None, "0 models"),
        (models, [1.0], "3 models and 1 weights"),
        (models[:1], [0.0], "more than 0"),
        ([load("tiny", weights="none")], None, "only hears"),
    ):
        with pytest.raises(SettingError, match=said):
            Joined(given, counts)


def test_an_ensembles_file_as_one_model(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    for seed in (0, 1):
        recipe, towers = built(seed)
        saved = files.Saved(towers.state_dict(), "tiny", recipe.source, towers.text_encoder.assets(), {})
        files.save(tmp_path / "runs" / ("tiny" if not seed else "tiny-seed-1") / "model.safetensors", saved)
    two = 'about = "x"\n[[members]]\nrecipe = "tiny"\n[[members]]\nrecipe = "tiny"\nseed = 1\nweight = 3\n'
    (tmp_path / "two.toml").write_text(two)
    joined = as_embedder("two.toml")
    assert (joined.name, joined.weights) == ("two", (1.0, 3.0))
    (tmp_path / "two.toml").write_text(two + 'rewrite = { name = "offline", count = 1 }\n')
    with pytest.raises(SettingError, match="not one model"):
        as_embedder("two.toml")
    with pytest.raises(SettingError, match="combined by 'distance'"):
        as_embedder("irit-2022/ensemble")
    with pytest.raises(WeightsError, match=r"train it: hark train sjtu-2022/wlcnn14-bert$"):
        as_embedder("sjtu-2022/system-4")
