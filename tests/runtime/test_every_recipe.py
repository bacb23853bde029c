"""Every recipe's audio tower hears sounds of any length at full size, with random weights."""

import numpy as np
import pytest

from hark import recipe as recipes
from hark.runtime.load import load


@pytest.mark.slow
@pytest.mark.parametrize("name", recipes.names())
def test_short_and_long_sounds_are_heard(name: str) -> None:
    model = load(name, weights="none")
    rng = np.random.default_rng(0)
    rate_hz = 22050
    sounds = [(rng.standard_normal(round(s * rate_hz)).astype(np.float32) * 0.1, rate_hz) for s in (0.01, 1.0, 12.3)]
    vectors = model.embed_audio(sounds)
    assert vectors.shape == (3, model.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(model.embed_audio(sounds[1:2]), vectors[1:2], atol=1e-5)  # alone or with others
    theirs = load(name, weights="none", compat="if-published").embed_audio(sounds)
    assert np.isfinite(theirs).all()
