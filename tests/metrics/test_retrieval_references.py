"""The metrics of other people's code: trec_eval (through pytrec_eval), ir_measures, torchmetrics, scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from hark.core.errors import SettingError
from hark.metrics import named
from hark.metrics.retrieval import average_precision_at, first_rank, ndcg_at, ranks, recall_at, reciprocal_rank

QUERIES, ITEMS = 25, 60


def problem(seed, most=40):
    """Scores without ties and 1 to `most` relevant items, more than any of the cuts for some queries."""
    rng = np.random.default_rng(seed)
    scores = rng.permuted(np.tile(np.arange(ITEMS) / ITEMS, (QUERIES, 1)), axis=1)
    relevant = np.zeros((QUERIES, ITEMS), dtype=bool)
    for row in relevant:
        row[rng.choice(ITEMS, size=rng.integers(1, most + 1), replace=False)] = True
    return scores, relevant


def as_run(scores):
    return {f"q{q}": {f"d{i}": float(s) for i, s in enumerate(row)} for q, row in enumerate(scores)}


def as_qrels(relevant):
    return {f"q{q}": {f"d{i}": int(hit) for i, hit in enumerate(row)} for q, row in enumerate(relevant)}


@pytest.mark.parametrize("seed", range(3))
def test_trec_eval(seed):
    trec = pytest.importorskip("pytrec_eval")
    scores, relevant = problem(seed)
    asked = {"map_cut.1,10,16,1000", "map", "ndcg_cut.1,10,1000", "ndcg", "recip_rank", "success.1,5,10"}
    told = trec.RelevanceEvaluator(as_qrels(relevant), asked).evaluate(as_run(scores))
    found = ranks(scores, relevant)

    def column(name):
        return [told[f"q{q}"][name] for q in range(QUERIES)]

    for k in (1, 10, 16, 1000):  # 1000 is more than there are
        ours = average_precision_at(found, k, divisor="all")
        np.testing.assert_allclose(ours, column(f"map_cut_{k}"), atol=1e-9)
    np.testing.assert_allclose(average_precision_at(found, None, divisor="reachable"), column("map"), atol=1e-9)
    for k in (1, 10, 1000):
        np.testing.assert_allclose(ndcg_at(found, k), column(f"ndcg_cut_{k}"), atol=1e-9)
    np.testing.assert_allclose(ndcg_at(found, None), column("ndcg"), atol=1e-9)
    np.testing.assert_allclose(reciprocal_rank(found), column("recip_rank"), atol=1e-9)
    for k in (1, 5, 10):
        np.testing.assert_allclose(recall_at(found, k), column(f"success_{k}"))


def test_ir_measures():
    measures = pytest.importorskip("ir_measures")
    scores, relevant = problem(3)
    found, run, qrels = ranks(scores, relevant), as_run(scores), as_qrels(relevant)
    told = measures.calc_aggregate(
        [measures.AP @ 16, measures.nDCG @ 10, measures.RR, measures.Success @ 5], qrels, run
    )
    ours = {"AP@16": "mAP@16/all", "nDCG@10": "nDCG@10", "RR": "MRR", "Success@5": "R@5"}
    for measure, value in told.items():
        metric = named.parse(ours[str(measure)], divisor="reachable")
        assert metric.values(found).mean() == pytest.approx(value), measure


@pytest.mark.filterwarnings("ignore")
def test_torchmetrics():
    """It takes scores of 0 and below, as cosines may be, for items that were not found; they are kept above here.

    Its average precision at k is another one: it divides by the relevant items that it found, so that one hit at 1 of
    40 is 1.0.
    """
    functional = pytest.importorskip("torchmetrics.functional.retrieval")
    torch = pytest.importorskip("torch")
    scores, relevant = problem(4)
    found = ranks(scores, relevant)

    def each(metric, **settings):
        pairs = zip(torch.from_numpy(scores + 1), torch.from_numpy(relevant), strict=True)
        return [float(metric(row, wanted, **settings)) for row, wanted in pairs]

    ours = average_precision_at(found, None, divisor="all")
    np.testing.assert_allclose(ours, each(functional.retrieval_average_precision), atol=1e-5)
    np.testing.assert_allclose(reciprocal_rank(found), each(functional.retrieval_reciprocal_rank), atol=1e-5)
    for k in (1, 10, 60):
        np.testing.assert_allclose(ndcg_at(found, k), each(functional.retrieval_normalized_dcg, top_k=k), atol=1e-5)
        np.testing.assert_allclose(recall_at(found, k), each(functional.retrieval_hit_rate, top_k=k))


@pytest.mark.parametrize("k", [1, 10, None])
def test_scikit_learns_ndcg(k):
    scores, relevant = problem(5)
    assert ndcg_at(ranks(scores, relevant), k).mean() == pytest.approx(ndcg_score(relevant, scores, k=k))


def dcase_2025(ranks_from_0, k):
    """The challenge's definition: precisions at the ranks (counted from 0) below k, by the number of all relevant."""
    total = 0.0
    for hit, rank in enumerate(sorted(ranks_from_0), start=1):
        if rank < k:
            total += hit / (rank + 1)
    return total / len(ranks_from_0)


def test_dcase_2025_map_at_16_with_several_relevant_files():
    scores, relevant = problem(6)
    order = np.argsort(-scores, axis=1)
    expected = [dcase_2025(np.flatnonzero(wanted[row]), 16) for row, wanted in zip(order, relevant, strict=True)]
    found = ranks(scores, relevant)
    np.testing.assert_allclose(average_precision_at(found, 16, divisor="all"), expected)
    assert (relevant.sum(axis=1) > 16).any()
    assert average_precision_at(found, 16, divisor="reachable").mean() > np.mean(expected)


def test_dcase_2022_to_2024_map_at_10_with_one_relevant_file():
    scores, relevant = problem(7, most=1)
    first = np.array(
        [
            np.flatnonzero(np.argsort(-row) == wanted.argmax())[0] + 1
            for row, wanted in zip(scores, relevant, strict=True)
        ]
    )
    np.testing.assert_allclose(
        average_precision_at(ranks(scores, relevant), 10, divisor="all"), np.where(first <= 10, 1 / first, 0)
    )


def test_a_metric_is_what_its_name_says():
    scores, relevant = problem(8)
    found = ranks(scores, relevant)
    for name, expected in {
        "R@7": recall_at(found, 7),
        "mAP": average_precision_at(found, None, divisor="all"),
        "mAP@10": average_precision_at(found, 10, divisor="all"),
        "mAP@10/reachable": average_precision_at(found, 10, divisor="reachable"),
        "nDCG": ndcg_at(found, None),
        "MRR@3": reciprocal_rank(found, 3),
        "mean rank": first_rank(found),
        "median rank": first_rank(found),
    }.items():
        metric = named.parse(f" {name} ", divisor="all")
        assert metric.name == name
        assert (metric.values(found) == expected).all()
        assert metric.statistic == ("median" if name == "median rank" else "mean")
        assert metric.rising == ("rank" not in name)


@pytest.mark.parametrize("name", ["R", "R@0", "R@-1", "map@10", "nDCG@10/all", "R@5/all", "mAP@10/most", "rank", ""])
def test_an_unknown_name_is_refused_with_those_there_are(name):
    with pytest.raises(SettingError, match=r"unknown; .*give one of R@k, mAP"):
        named.parse(name, divisor="all")


@pytest.mark.parametrize(
    ("name", "meant"),
    [("map@10", "mAP@10"), ("mAPP@5/all", "mAP@5/all"), ("recall@5", "R@5"), ("medianrank", "median rank")],
)
def test_a_misspelt_name_is_told_the_right_one(name, meant):
    with pytest.raises(SettingError, match=f"'{name}': unknown; did you mean '{meant}'"):
        named.parse(name, divisor="all")


@pytest.mark.parametrize("name", ["R@0", "nDCG@10/all", "recall", "xyz@3"])
def test_no_name_is_guessed_that_is_none(name):
    with pytest.raises(SettingError, match="unknown; give one of"):
        named.parse(name, divisor="all")
