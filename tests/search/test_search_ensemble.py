"""A library that an ensemble made: searched with the mean of its members' cosines."""

import numpy as np
import pytest
import soundfile

from hark.audio.synth.catalogue import KINDS
from hark.runtime.ensemble import Joined, load_any
from hark.runtime.model import Model
from hark.search.engine import Library

TWO = """about = "Two."
[[members]]
recipe = "mini"
weights = "mini"
[[members]]
recipe = "mini"
weights = "mini"
weight = 3.0
"""


@pytest.fixture
def sounds(tmp_path):
    for name, kind in (("dog.wav", "dog bark"), ("rain.flac", "rain")):
        (tmp_path / "sounds").mkdir(exist_ok=True)
        wave = KINDS[kind].render(np.random.default_rng(0), 16000, duration_s=5.0)
        soundfile.write(tmp_path / "sounds" / name, wave, 16000)
    return tmp_path / "sounds"


def test_a_model_beside_itself_finds_what_it_finds_alone(tmp_path, sounds) -> None:
    (tmp_path / "two.toml").write_text(TWO)
    one, two = load_any("mini"), load_any(str(tmp_path / "two.toml"))
    assert isinstance(one, Model)
    assert isinstance(two, Joined)
    found = []
    for place, model in (("one", one), ("two", two)):
        with Library(tmp_path / place, model) as library:
            library.index(sounds)
            found.append(library.search("a dog barks", k=4))
    assert [hit.path for hit in found[0]] == [hit.path for hit in found[1]]
    assert [hit.score for hit in found[1]] == pytest.approx([hit.score for hit in found[0]], abs=1e-3)  # half floats
    assert found[0][0].path.name == "dog.wav"
