"""Similarities that are exact, and evaluations by blocks that equal those of a whole matrix."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.core.errors import DataError
from hark.eval import found as finding
from hark.eval import retrieval
from hark.eval.embed import exactly, paired_similarities, similarities
from hark.eval.found import Between, Given, find
from hark.eval.outcome import Measures
from hark.eval.stored import Stored, save_vectors, store_clips
from hark.metrics.answers import Answers
from hark.metrics.retrieval import ranks


def unit(rng, number, dim):
    vectors = rng.normal(size=(number, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3, 64, 700]), st.sampled_from([1.0, 3e-5, 700.0]))
@settings(deadline=None, max_examples=20)
def test_similarities_are_the_exact_sums_rounded_once(seed, dim, scale):
    rng = np.random.default_rng(seed)
    queries, items = unit(rng, 3, dim) * np.float32(scale), unit(rng, 2, dim)
    scores = similarities(queries, items)
    (left, up), (right, down) = exactly(queries), exactly(items)
    for q, i in np.ndindex(3, 2):
        total = sum(Fraction(a) * Fraction(b) for a, b in zip(left[q].tolist(), right[i].tolist(), strict=True))
        assert scores[q, i] == np.float32(float(total * Fraction(2) ** int(up[q] + down[i])))
    plain = queries.astype(np.float64) @ items.astype(np.float64).T
    np.testing.assert_allclose(scores, plain, atol=1e-7 * scale)


def test_unit_vectors_are_only_taken_to_their_26th_place():
    vectors = unit(np.random.default_rng(0), 500, 16)
    rounded, power = exactly(vectors)
    assert not power.any()
    assert np.abs(rounded - vectors).max() <= 2.0**-27


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_any_block_in_any_order_gives_the_same_bits(seed):
    rng = np.random.default_rng(seed)
    queries, items = unit(rng, 37, 96), unit(rng, 53, 96)
    scores = similarities(queries, items)
    some, others, numbers = rng.permutation(37)[:9], rng.permutation(53)[:7], rng.permutation(96)
    assert (similarities(queries[some], items[others]) == scores[some][:, others]).all()
    assert (similarities(queries[:, numbers], items[:, numbers]) == scores).all()
    assert (similarities(items, queries) == scores.T).all()
    assert (paired_similarities(queries[some[:7]], items[others]) == scores[some[:7], others]).all()


def test_vectors_of_length_zero_are_alike_to_nothing():
    assert not similarities(np.zeros((1, 4), np.float32), np.ones((2, 4), np.float32)).any()


@pytest.fixture
def tied():
    """Texts and sounds of which a tenth are the same as others, and several sounds answer each text."""
    rng = np.random.default_rng(3)
    texts, sounds = unit(rng, 41, 24), unit(rng, 130, 24)
    sounds[rng.choice(130, 30)] = sounds[5]
    texts[7] = texts[30]
    relevant = rng.random((41, 130)) < 0.05
    relevant[np.arange(41), rng.integers(130, size=41)] = True
    relevant[11, :60] = True  # more than are counted one by one
    return texts, sounds, relevant


@pytest.mark.parametrize(("queries", "items"), [(1024, 4096), (1, 13), (11, 3), (40, 129)])
@pytest.mark.parametrize("stored", [False, True])
def test_blocks_find_what_the_whole_matrix_holds(tied, tmp_path, monkeypatch, queries, items, stored):
    monkeypatch.setattr(finding, "QUERIES", queries)
    monkeypatch.setattr(finding, "ITEMS", items)
    texts, sounds, relevant = tied
    scores, answers = similarities(texts, sounds), Answers.of(relevant)
    if stored:
        save_vectors(tmp_path / "sounds.npy", sounds)
        sounds = Stored(tmp_path / "sounds.npy")
    described, back = answers.turned().answered()
    for likeness in (Between(texts, sounds), Given(scores)):
        there = find(likeness, answers)
        around = find(likeness.turned(), back, asked=described)
        assert [r.tolist() for r in there.ranked] == [r.tolist() for r in ranks(scores, relevant)]
        assert [r.tolist() for r in around.ranked] == [
            r.tolist() for r in ranks(scores.T[described], relevant.T[described])
        ]
        for found, row, wanted in ((there, scores, relevant), (around, scores.T[described], relevant.T[described])):
            order = np.lexsort((np.broadcast_to(np.arange(row.shape[1]), row.shape), wanted, -row))[:, :10]
            assert (found.top == order).all()
            assert (found.top_scores == np.take_along_axis(row, order, axis=1)).all()
        assert (there.matching == np.histogram(scores[relevant], there.edges)[0]).all()
        assert (there.others == np.histogram(scores[~relevant], there.edges)[0]).all()


def test_scores_that_are_no_cosines_are_counted_too():
    scores = np.array([[-40.0, 3.0, 7.0], [1.0, 90.0, -2.0]])
    found = find(Given(scores), Answers.of(np.eye(2, 3, dtype=bool)))
    assert found.edges[[0, -1]].tolist() == [-135, 135]
    assert (found.matching.sum(), found.others.sum()) == (2, 4)


def test_what_cannot_be_ranked_is_refused(tied):
    texts, sounds, relevant = tied
    relevant[3] = False
    with pytest.raises(ValueError, match="query 3: no relevant item"):
        find(Between(texts, sounds), Answers.of(relevant))
    scores = similarities(texts, sounds)
    scores[4, 9] = np.nan
    with pytest.raises(ValueError, match="query 4: a score is NaN"):
        find(Given(scores), Answers.of(np.ones_like(relevant)))


def test_an_evaluation_on_disk_is_that_in_memory(known, clip, tmp_path, monkeypatch):
    rng = np.random.default_rng(4)
    clips = [clip(f"c{i}", [f"text {i // 2}"]) for i in range(20)]
    model = known({f"text {i}": rng.normal(size=6) for i in range(10)}, {c.id: rng.normal(size=6) for c in clips})

    def run(**settings):
        return retrieval.examine(
            model, clips, measures=Measures(resamples=20), rng=np.random.default_rng(0), **settings
        )

    held = run().report
    assert run(folder=tmp_path / "out").report == held
    monkeypatch.setattr(retrieval, "MANY", 5)
    assert run().report == held
    assert retrieval.evaluate(model, clips, rng=np.random.default_rng(0), resamples=20) == held


def test_an_interrupted_run_is_gone_on_with(known, clip, tmp_path):
    clips = [clip(f"c{i}") for i in range(6)]
    sounds = {c.id: [1, i] for i, c in enumerate(clips)}
    broken = known({}, {name: sounds[name] for name in list(sounds)[:4]})
    with pytest.raises(DataError, match="clip 'c4'"):
        store_clips(broken, clips, tmp_path)
    (begun,) = tmp_path.glob("*.part")
    with begun.open("ab") as file:
        file.write(b"cut")  # a vector that was not written to its end
    whole = known({}, sounds)
    told = []
    found = store_clips(whole, clips, tmp_path, progress=lambda *done: told.append(done))
    expected = known({}, sounds).embed_audio([c.path for c in clips])
    assert (found[np.arange(6)] == expected).all()
    assert (np.load(found.path) == expected).all()
    assert told == [(5, 6), (6, 6)]
    heard = len(whole.heard)
    assert (store_clips(whole, clips, tmp_path)[np.array([4, 5, 0])] == expected[[4, 5, 0]]).all()
    assert len(whole.heard) == heard  # nothing was heard again


def test_vectors_of_another_model_order_or_file_are_not_taken(known, clip, tmp_path):
    clips = [clip("a"), clip("b")]
    model = known({}, {"a": [1, 0], "b": [0, 1]})
    paths = {store_clips(model, clips, tmp_path).path, store_clips(model, clips[::-1], tmp_path).path}
    model.stamp = "another"
    paths.add(store_clips(model, clips, tmp_path).path)
    clips[0].path.write_bytes(b"longer")
    paths.add(store_clips(model, clips, tmp_path).path)
    paths.add(store_clips(model, [clips[0], dataclasses.replace(clips[1], id="c")], tmp_path).path)
    assert len(paths) == 5


def test_a_file_that_holds_no_vectors_is_refused(tmp_path):
    path = tmp_path / "x.npy"
    path.write_bytes(b"no")
    with pytest.raises(DataError, match=r"not a \.npy file that can be read"):
        Stored(path)
    np.save(path, np.zeros((3, 4)))
    with pytest.raises(DataError, match=r"float64 of shape \(3, 4\); float32 vectors"):
        Stored(path)
    np.save(path, np.zeros((3, 4), np.float32))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="cut off"):
        Stored(path)
