import dataclasses

import numpy as np
import pytest
import soundfile

from hark.core.errors import DataError, WeightsError
from hark.eval.embed import embed_clips, embed_texts, similarities


def test_every_clip_is_embedded_in_order_and_told(known, clip):
    model = known({}, {"a": [1, 0], "b": [3, 4], "c": [0, 2]})
    told = []
    vectors = embed_clips(model, [clip("c"), clip("a"), clip("b")], progress=lambda *done: told.append(done))
    np.testing.assert_allclose(vectors, [[0, 1], [1, 0], [0.6, 0.8]], rtol=1e-6)
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_stretch_is_what_soundfile_reads_between_its_ends(known, clip):
    whole = clip("a")
    soundfile.write(whole.path, np.random.default_rng(0).uniform(-0.5, 0.5, 8000), 8000, subtype="FLOAT")
    expected, _ = soundfile.read(whole.path, start=2000, frames=4000, dtype="float32")
    model = known({}, {"a": [1, 0], "stretch": [0, 1]})
    stretch = dataclasses.replace(whole, start_s=0.25, duration_s=0.5)
    assert embed_clips(model, [stretch, whole]).tolist() == [[0, 1], [1, 0]]
    (wave, rate_hz), path = model.heard
    np.testing.assert_allclose(wave, expected, atol=1e-6)
    assert rate_hz == 8000
    assert path == whole.path


def test_a_missing_file_is_refused_before_anything_is_embedded(known, clip):
    clips = [clip("a"), clip("b"), clip("c")]
    clips[1].path.unlink()
    clips[2].path.unlink()
    model = known({}, {"a": [1, 0]})
    with pytest.raises(DataError, match=r"clip 'b': no file .*b\.wav \(and 1 more\)"):
        embed_clips(model, clips)
    assert model.heard == []


def test_an_unreadable_file_is_refused_by_clip_and_file(known, clip):
    model = known({}, {"a": [1, 0]})
    with pytest.raises(DataError, match=r"clip 'b' \(.*b\.wav\): b\.wav: not a sound"):
        embed_clips(model, [clip("a"), clip("b")])


def test_vectors_that_are_not_finite_are_refused(known, clip):
    model = known({"rain": [np.nan, 1]}, {"a": [np.inf, 1]})
    with np.errstate(invalid="ignore"):
        with pytest.raises(WeightsError, match=r"known: its vector for clip 'a' .* is not finite"):
            embed_clips(model, [clip("a")])
        with pytest.raises(WeightsError, match='known: its vector for text "rain" is not finite'):
            embed_texts(model, ["rain"])


def test_equal_items_have_equal_similarities_wherever_they_lie():
    rng = np.random.default_rng(1)
    queries, items = (rng.normal(size=(n, 512)).astype(np.float32) for n in (37, 301))
    items[[5, 150, 299, 300]] = items[17]
    scores = similarities(queries, items)
    assert (scores[:, [5, 150, 299, 300]] == scores[:, [17]]).all()
    np.testing.assert_allclose(scores, queries @ items.T, rtol=1e-3, atol=1e-3)
