"""Combinations of members' scores: laws that all of them obey, and other people's fusions."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import rankdata, zscore

from hark.core import component
from hark.core.errors import SettingError
from hark.metrics.combine.members import places

ALL = [
    {"name": "mean"},
    {"name": "distance"},
    {"name": "distance", "kind": "cosine"},
    {"name": "znorm"},
    {"name": "znorm", "over": "member"},
    {"name": "reciprocal_rank"},
    {"name": "reciprocal_rank", "k": 1.0},
    {"name": "borda"},
]
SCALE_FREE = [table for table in ALL if table["name"] in ("znorm", "reciprocal_rank", "borda")]


def build(table):
    return component.config("metrics.combine", table, where="combine").build()


def members(number=3, queries=5, items=8, seed=0):
    return list(np.random.default_rng(seed).uniform(-1, 1, (number, queries, items)).astype(np.float32))


def same_order(a, b):
    return np.array_equal(np.sign(a[:, :, None] - a[:, None, :]), np.sign(b[:, :, None] - b[:, None, :]))


def test_there_is_no_other():
    assert component.names("metrics.combine") == sorted({table["name"] for table in ALL})


@pytest.mark.parametrize("table", ALL, ids=str)
class TestLaws:
    def test_one_member_ranks_as_itself(self, table):
        (scores,) = members(1)
        scores[2, 3] = scores[2, 5]
        assert same_order(build(table)([scores], [3.0]), scores)

    def test_the_same_member_twice_is_that_member(self, table):
        (scores,) = members(1)
        once, twice = build(table)([scores], [1]), build(table)([scores, scores], [1, 2])
        np.testing.assert_allclose(once, twice, atol=1e-6)

    def test_the_order_of_the_members_does_not_matter(self, table):
        scores, weights = members(3), [1.0, 2.0, 0.5]
        first = build(table)(scores, weights)
        for order in itertools.permutations(range(3)):
            other = build(table)([scores[i] for i in order], [weights[i] for i in order])
            np.testing.assert_allclose(other, first, atol=1e-6)

    def test_only_the_proportions_of_the_weights_count(self, table):
        scores = members(3)
        whole = build(table)(scores, [2, 1, 1])
        np.testing.assert_allclose(build(table)(scores, [20, 10, 10]), whole, atol=1e-6)
        np.testing.assert_allclose(build(table)([scores[0], *scores], [1, 1, 1, 1]), whole, atol=1e-6)

    def test_weight_0_is_not_there(self, table):
        scores = members(3)
        assert np.array_equal(build(table)(scores, [1, 0, 1]), build(table)([scores[0], scores[2]], [1, 1]))

    def test_the_order_of_the_items_does_not_matter(self, table):
        scores, order = members(3), np.random.default_rng(1).permutation(8)
        moved = build(table)([matrix[:, order] for matrix in scores], [1, 1, 1])
        np.testing.assert_allclose(moved, build(table)(scores, [1, 1, 1])[:, order], atol=1e-6)

    def test_what_cannot_be_combined_is_refused(self, table):
        scores = members(2)
        combine = build(table)
        for weights in ([1], [1, -1], [0, 0], [1, np.nan]):
            with pytest.raises(ValueError, match="weights"):
                combine(scores, weights)
        with pytest.raises(ValueError, match="member 1: scores"):
            combine([scores[0], scores[1][:, :4]], [1, 1])
        scores[1][0, 0] = np.nan
        with pytest.raises(ValueError, match="not finite"):
            combine(scores, [1, 1])
        with pytest.raises(ValueError, match="0 members"):
            combine([], [])


@pytest.mark.parametrize("table", SCALE_FREE, ids=str)
def test_a_members_scale_does_not_matter(table):
    scores = members(3)
    changed = [scores[0], 7.5 * scores[1] + 3, 0.01 * scores[2] - 1]
    np.testing.assert_allclose(build(table)(changed, [1, 1, 1]), build(table)(scores, [1, 1, 1]), atol=1e-5)


@pytest.mark.parametrize("name", ["reciprocal_rank", "borda"])
def test_ranks_do_not_see_a_rising_function(name):
    scores = members(2)
    assert np.array_equal(
        build({"name": name})([np.exp(scores[0]), scores[1] ** 3], [1, 1]), build({"name": name})(scores, [1, 1])
    )


def test_the_mean_is_numpys():
    scores = members(4)
    expected = np.average(np.stack(scores).astype(np.float64), axis=0, weights=[1, 2, 3, 4])
    np.testing.assert_allclose(build({"name": "mean"})(scores, [1, 2, 3, 4]), expected, atol=1e-7)


def test_znorm_is_scipys():
    scores = members(3)
    expected = np.mean([zscore(matrix.astype(np.float64), axis=1) for matrix in scores], axis=0)
    np.testing.assert_allclose(build({"name": "znorm"})(scores, [1, 1, 1]), expected, atol=1e-6)
    expected = np.mean([zscore(matrix.astype(np.float64), axis=None) for matrix in scores], axis=0)
    np.testing.assert_allclose(build({"name": "znorm", "over": "member"})(scores, [1, 1, 1]), expected, atol=1e-6)


def test_a_query_without_spread_says_nothing():
    scores = members(2)
    scores[0][1] = np.float32(0.3)
    combined = build({"name": "znorm"})(scores, [1, 1])
    assert same_order(combined[1:2], scores[1][1:2])


def test_distances_are_those_of_the_vectors():
    rng = np.random.default_rng(0)
    texts, sounds = (rng.normal(size=(2, n, 6)) for n in (4, 7))
    texts, sounds = (x / np.linalg.norm(x, axis=2, keepdims=True) for x in (texts, sounds))
    scores = [t @ s.T for t, s in zip(texts, sounds, strict=True)]
    apart = [np.linalg.norm(t[:, None] - s[None], axis=2) for t, s in zip(texts, sounds, strict=True)]
    np.testing.assert_allclose(build({"name": "distance"})(scores, [1, 1]), -np.mean(apart, axis=0), atol=1e-6)
    cosine = build({"name": "distance", "kind": "cosine"})(scores, [1, 3])
    np.testing.assert_allclose(cosine, build({"name": "mean"})(scores, [1, 3]) - 1, atol=1e-6)
    with pytest.raises(ValueError, match="beyond 1"):
        build({"name": "distance"})([2 * scores[0]], [1])


def ties(queries=4, items=6):
    kinds = st.integers(-3, 3).map(float)
    return arrays.arrays(np.float64, (queries, items), elements=kinds)


@given(ties())
def test_places_are_scipys_average_ranks(scores):
    assert np.array_equal(places(scores), rankdata(-scores, axis=1))


@given(ties(), ties(), st.floats(0, 100))
def test_fusions_of_ranks_by_scipys_ranks(one, other, k):
    ranked = [rankdata(-matrix, axis=1) for matrix in (one, other)]
    reciprocal = np.mean([1 / (k + matrix) for matrix in ranked], axis=0)
    found = build({"name": "reciprocal_rank", "k": k})([one, other], [1, 1])
    np.testing.assert_allclose(found, reciprocal, rtol=1e-6)
    borda = np.mean([(6 - matrix) / 5 for matrix in ranked], axis=0)
    np.testing.assert_allclose(build({"name": "borda"})([one, other], [1, 1]), borda, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_fusions_are_those_of_ranx():
    ranx = pytest.importorskip("ranx")
    scores = members(3, queries=6, items=9)
    runs = [
        ranx.Run({f"q{q}": {f"d{d}": float(s) for d, s in enumerate(row)} for q, row in enumerate(matrix)})
        for matrix in scores
    ]
    for name, how in (("reciprocal_rank", {"method": "rrf"}), ("borda", {"method": "bordafuse"})):
        fused = ranx.fuse(runs=runs, **how).to_dict()
        theirs = np.array([[fused[f"q{q}"][f"d{d}"] for d in range(9)] for q in range(6)])
        ours = build({"name": name})(scores, [1] * 3)
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] == pytest.approx(1)  # theirs are sums, ours are means


def test_unknown_settings_are_refused_with_a_hint():
    with pytest.raises(SettingError, match="did you mean 'reciprocal_rank'"):
        build({"name": "reciprocal_ranks"})
    with pytest.raises(SettingError, match="did you mean 'kind'"):
        build({"name": "distance", "kin": "cosine"})
    with pytest.raises(SettingError, match="above -1"):
        build({"name": "reciprocal_rank", "k": -1.0})
