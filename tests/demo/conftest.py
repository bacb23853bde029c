import pytest
import torch

from hark import recipe as recipes
from hark.runtime.model import Model
from hark.text.vocabulary import make_vocabulary

SMALL = """
about = "for tests"
dim = 8
[audio]
rate_hz = 16000
window_s = 3.0
features = { name = "logmel", hop = 640, mels = 16 }
encoder = { name = "mobilenet", width = 0.1 }
head = { name = "linear" }
[text]
encoder = { name = "static", vocabulary = 100, width = 8, hidden = 8, dim = 8 }
head = { name = "linear" }
[[stages]]
name = "sounds"
steps = 3
batch = 4
warmup = 1
valid_every = 2
corpora = [{ corpus = { name = "synth", clips = 8, duration_s = 0.4, kinds = ["rain", "siren"] } }]
valid = [{ corpus = { name = "synth", clips = 4, duration_s = 0.4, kinds = ["rain", "siren"], seed = 1 } }]
"""


@pytest.fixture
def small_recipe():
    return recipes.parse(SMALL, name="small")


@pytest.fixture
def small_model(small_recipe):
    """A model that knows nothing."""
    texts = ["a dog barks", "waves on the beach"]
    torch.manual_seed(0)
    towers = small_recipe.build(assets={"tokenizer": make_vocabulary(texts, words=[], size=100)})
    return Model(small_recipe, towers, stamp="0123456789abcdef")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HARK_HOME", str(tmp_path / "home"))
