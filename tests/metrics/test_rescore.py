"""Corrections of hubness: other libraries' softmaxes, the law of Sinkhorn, and hubs that go away."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from scipy.stats import skew
from sklearn.neighbors import NearestNeighbors

from hark.core import component
from hark.core.errors import SettingError
from hark.metrics.hubness import hubness, k_occurrence, skewness
from hark.metrics.rerank import rerank
from hark.metrics.retrieval import first_rank, ranks

ALL = [
    {"name": "inverted_softmax"},
    {"name": "inverted_softmax", "dynamic": False},
    {"name": "sinkhorn"},
    {"name": "csls"},
    {"name": "dual_softmax"},
]


def build(name, **settings):
    return component.config("metrics.rescore", {"name": name, **settings}, where="rescore").build()


def vectors(number, seed, dim=12):
    found = np.random.default_rng(seed).normal(size=(number, dim))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.fixture
def scores():
    return vectors(20, 0) @ vectors(15, 1).T


@pytest.fixture
def bank():
    return vectors(40, 2) @ vectors(15, 1).T


def test_there_is_no_other():
    assert component.names("metrics.rescore") == sorted({table["name"] for table in ALL})


@pytest.mark.parametrize("table", ALL, ids=str)
class TestLaws:
    def test_with_a_bank_a_query_stands_alone(self, table, scores, bank):
        rescore = component.config("metrics.rescore", table, where="x").build()
        together = rescore(scores, bank)
        for row in range(len(scores)):
            np.testing.assert_allclose(rescore(scores[row : row + 1], bank)[0], together[row], atol=1e-9)

    def test_without_a_bank_the_queries_are_one(self, table, scores):
        rescore = component.config("metrics.rescore", table, where="x").build()
        np.testing.assert_allclose(rescore(scores, None), rescore(scores, scores))

    def test_the_order_of_queries_bank_and_items_does_not_matter(self, table, scores, bank):
        rescore = component.config("metrics.rescore", table, where="x").build()
        rng = np.random.default_rng(3)
        q, b, i = (rng.permutation(n) for n in (20, 40, 15))
        moved = rescore(scores[q][:, i], bank[b][:, i])
        np.testing.assert_allclose(moved, rescore(scores, bank)[q][:, i], atol=1e-9)

    def test_equal_items_stay_ties(self, table, scores, bank):
        rescore = component.config("metrics.rescore", table, where="x").build()
        doubled = rescore(np.hstack([scores, scores[:, :3]]), np.hstack([bank, bank[:, :3]]))
        assert np.array_equal(doubled[:, :3], doubled[:, 15:])

    def test_a_hub_is_no_hub_any_more(self, table):
        """Thirty pairs, and one item that is nearer to each query than what belongs to it."""
        rescore = component.config("metrics.rescore", table, where="x").build()
        rng = np.random.default_rng(0)
        scores = np.eye(30) * 0.45 + rng.normal(scale=0.01, size=(30, 30))
        scores = np.hstack([scores, np.full((30, 1), 0.5) + rng.normal(scale=0.01, size=(30, 1))])
        bank = rng.normal(scale=0.01, size=(60, 31)) + np.repeat(np.eye(30, 31) * 0.45, 2, axis=0)
        bank[:, 30] = 0.5
        relevant = np.eye(30, 31, dtype=bool)
        assert not (first_rank(ranks(scores, relevant)) == 1).any()
        assert hubness(scores, 1).most == 1
        for queries in (bank, None):
            changed = rescore(scores, queries)
            assert (first_rank(ranks(changed, relevant)) == 1).mean() > 0.9
            assert hubness(changed, 1).most < 0.1

    def test_what_does_not_fit_is_refused(self, table, scores, bank):
        rescore = component.config("metrics.rescore", table, where="x").build()
        with pytest.raises(ValueError, match="the same items"):
            rescore(scores, bank[:, :4])
        with pytest.raises(ValueError, match="the same items"):
            rescore(scores, bank[:0])
        bank[0, 0] = np.nan
        with pytest.raises(ValueError, match="not finite"):
            rescore(scores, bank)


def test_the_inverted_softmax_is_scipys(scores):
    found = build("inverted_softmax", temperature=0.1, dynamic=False)(scores, None)
    np.testing.assert_allclose(found, log_softmax(scores / 0.1, axis=0), atol=1e-10)


def test_the_dynamic_one_leaves_alone_who_meets_no_hub(scores, bank):
    """As in the paper: only queries whose nearest item is some bank query's nearest."""
    found = build("inverted_softmax", temperature=0.1)(scores, bank)
    hubs = set(bank.argmax(axis=1))
    for row, own in enumerate(scores):
        changed = np.exp(own / 0.1) / np.exp(bank / 0.1).sum(axis=0) if own.argmax() in hubs else own
        assert np.array_equal(np.argsort(-found[row]), np.argsort(-changed))


def test_the_dual_softmax_is_scipys(scores):
    expected = softmax(scores / 0.1, axis=0) * softmax(scores / 0.1, axis=1)
    np.testing.assert_allclose(np.exp(build("dual_softmax", temperature=0.1)(scores, None)), expected, rtol=1e-9)


def test_sinkhorn_gives_every_item_the_same(scores):
    """A doubly stochastic plan: each query's chances sum to 1, and each item gets queries / items."""
    found = build("sinkhorn", temperature=0.2, rounds=300)(scores, None)
    np.testing.assert_allclose(softmax(found, axis=1).sum(axis=0), np.full(15, 20 / 15), rtol=1e-6)


def test_csls_by_its_formula(scores, bank):
    found = build("csls", neighbours=3)(scores, bank)
    items = [np.mean(sorted(bank[:, item])[-3:]) for item in range(15)]
    queries = [np.mean(sorted(row)[-3:]) for row in scores]
    for row in range(20):
        for item in range(15):
            assert found[row, item] == pytest.approx(2 * scores[row, item] - queries[row] - items[item])
    assert np.isfinite(build("csls", neighbours=1000)(scores, bank)).all()


def test_settings_are_refused():
    for name, settings in (
        ("sinkhorn", {"rounds": 0}),
        ("csls", {"neighbours": 0}),
        ("dual_softmax", {"temperature": 0.0}),
    ):
        with pytest.raises(SettingError, match="must be above 0"):
            build(name, **settings)
    with pytest.raises(SettingError, match="did you mean 'temperature'"):
        build("sinkhorn", temprature=1.0)


def test_hubness_by_scikit_learn_and_scipy():
    queries, items = vectors(80, 0), vectors(30, 1)
    nearest = NearestNeighbors(n_neighbors=4).fit(items).kneighbors(queries, return_distance=False)
    counts = np.bincount(nearest.ravel(), minlength=30)
    scores = queries @ items.T
    assert np.array_equal(k_occurrence(scores, 4), counts)
    found = hubness(scores, 4)
    assert found.skewness == pytest.approx(skew(counts))
    assert found.most == counts.max() / 80
    assert found.never == np.mean(counts == 0)
    assert skewness(np.full(5, 3)) == 0
    with pytest.raises(ValueError, match="k is 31"):
        hubness(scores, 31)
    with pytest.raises(ValueError, match="no NaN"):
        hubness(np.full((2, 2), np.nan), 1)


def test_only_the_first_are_judged_anew():
    scores = np.array([[0.9, 0.8, 0.7, 0.1, 0.2], [0.1, 0.5, 0.5, 0.5, 0.0]])
    asked = []

    def judge(row, items):
        asked.append((row, items.tolist()))
        return -items.astype(float)

    found = rerank(scores, judge, top=2)
    assert asked == [(0, [0, 1]), (1, [1, 2, 3])]  # what ties with the second is judged too
    assert np.argsort(-found[0]).tolist() == [0, 1, 2, 4, 3]
    assert np.argsort(-found[1]).tolist() == [1, 2, 3, 0, 4]
    assert np.argsort(-rerank(scores, lambda row, items: items.astype(float), top=2)[0]).tolist() == [1, 0, 2, 4, 3]
    assert np.argsort(-rerank(scores, lambda row, items: items.astype(float), top=99)[0]).tolist() == [4, 3, 2, 1, 0]
    with pytest.raises(ValueError, match="finite scores"):
        rerank(scores, lambda row, items: np.full(len(items), np.nan))
    with pytest.raises(ValueError, match="at least one"):
        rerank(scores, judge, top=0)
