import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, label_ranking_average_precision_score

from hark.metrics.retrieval import average_precision_at, first_rank, ranks, recall_at


def problem(seed, queries=30, items=20, levels=None):
    """Random scores (only `levels` different ones, to make ties) and one to five relevant items per query."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(queries, items)) if levels is None else rng.integers(levels, size=(queries, items)) / 2
    relevant = np.zeros((queries, items), dtype=bool)
    for row in relevant:
        row[rng.choice(items, size=rng.integers(1, 6), replace=False)] = True
    return scores, relevant


def by_definition(scores, relevant):
    """Sorts (score, irrelevant first) with Python's own sort and reads the ranks off the list."""
    for row, wanted in zip(scores.tolist(), relevant.tolist(), strict=True):
        order = sorted(zip(row, wanted, strict=True), key=lambda pair: (-pair[0], pair[1]))
        yield [place for place, (_, hit) in enumerate(order, start=1) if hit]


@pytest.mark.parametrize("levels", [None, 2, 5])
def test_ranks_are_those_of_a_sorted_list_with_relevant_items_last_among_equals(levels):
    scores, relevant = problem(1, levels=levels)
    assert [r.tolist() for r in ranks(scores, relevant)] == list(by_definition(scores, relevant))


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("divisor", ["all", "reachable"])
def test_average_precision_is_its_definition(k, divisor):
    scores, relevant = problem(2)
    expected = []
    for places in by_definition(scores, relevant):
        hits = [place in places for place in range(1, k + 1)]
        precisions = [sum(hits[: i + 1]) / (i + 1) for i in range(k) if hits[i]]
        expected.append(sum(precisions) / (len(places) if divisor == "all" else min(k, len(places))))
    np.testing.assert_allclose(average_precision_at(ranks(scores, relevant), k, divisor=divisor), expected)


@pytest.mark.parametrize("divisor", ["all", "reachable"])
def test_without_a_cut_it_is_scikit_learns_average_precision(divisor):
    scores, relevant = problem(3)
    values = average_precision_at(ranks(scores, relevant), None, divisor=divisor)
    np.testing.assert_allclose(values, [average_precision_score(r, s) for s, r in zip(scores, relevant, strict=True)])
    assert values.mean() == pytest.approx(label_ranking_average_precision_score(relevant, scores))


def test_one_relevant_item_gives_one_over_its_rank_up_to_k():
    ranked = [np.array([r]) for r in (1, 2, 10, 11)]
    assert average_precision_at(ranked, 10, divisor="all").tolist() == [1, 0.5, 0.1, 0]
    assert recall_at(ranked, 1).tolist() == [1, 0, 0, 0]
    assert recall_at(ranked, 10).tolist() == [1, 1, 1, 0]


def test_average_precision_sorts_ranks_that_come_in_caption_order():
    ranked = [np.array([4, 3, 2, 1, 0]) + 1]  # unsorted, LAION-CLAP's evaluation code makes this 1.74
    assert average_precision_at(ranked, 10, divisor="all").tolist() == [1.0]
    assert first_rank(ranked).tolist() == [1]


def test_the_divisor_matters_only_beyond_k_relevant_items():
    perfect = [np.arange(1, 41)]  # 40 clips of the class, all in front
    assert average_precision_at(perfect, 10, divisor="all").tolist() == [0.25]
    assert average_precision_at(perfect, 10, divisor="reachable").tolist() == [1.0]
    five = [np.array([1, 4, 7, 12, 30])]
    assert average_precision_at(five, 10, divisor="all") == average_precision_at(five, 10, divisor="reachable")


def test_a_perfect_ranking_is_worth_one():
    _, relevant = problem(4)
    ranked = ranks(relevant.astype(float), relevant)
    for value in (recall_at(ranked, 1), average_precision_at(ranked, 10, divisor="reachable"), first_rank(ranked)):
        assert (value == 1).all()


def test_equal_scores_are_worth_no_more_than_the_worst_ranking():
    _, relevant = problem(5)
    equal = ranks(np.zeros(relevant.shape), relevant)
    worst = ranks(-relevant.astype(float), relevant)
    assert [r.tolist() for r in equal] == [r.tolist() for r in worst]
    assert first_rank(equal).tolist() == (relevant.shape[1] - relevant.sum(axis=1) + 1).tolist()


def test_random_scores_are_worth_chance():
    queries, items, k = 40_000, 25, 10
    relevant = np.zeros((queries, items), dtype=bool)
    relevant[:, 7] = True
    ranked = ranks(np.random.default_rng(6).random((queries, items)), relevant)
    near = {"abs": 4 * 0.5 / np.sqrt(queries)}  # four standard deviations of a mean of values in [0, 1]
    assert recall_at(ranked, 1).mean() == pytest.approx(1 / items, **near)
    assert recall_at(ranked, k).mean() == pytest.approx(k / items, **near)
    harmonic = sum(1 / r for r in range(1, k + 1))
    assert average_precision_at(ranked, k, divisor="all").mean() == pytest.approx(harmonic / items, **near)
    assert first_rank(ranked).mean() == pytest.approx((items + 1) / 2, abs=0.2)


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 2, 4]))
def test_the_order_of_items_and_of_queries_changes_nothing(seed, levels):
    scores, relevant = problem(seed, queries=6, items=9, levels=levels)
    rng = np.random.default_rng(seed)
    queries, items = rng.permutation(6), rng.permutation(9)
    expected = ranks(scores, relevant)
    shuffled = ranks(scores[queries][:, items], relevant[queries][:, items])
    assert [r.tolist() for r in shuffled] == [expected[q].tolist() for q in queries]


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 2, 4]))
def test_a_rising_function_of_the_scores_changes_nothing(seed, levels):
    scores, relevant = problem(seed, queries=6, items=9, levels=levels)
    expected = [r.tolist() for r in ranks(scores, relevant)]
    assert [r.tolist() for r in ranks(np.exp(scores), relevant)] == expected
    assert [r.tolist() for r in ranks((2 * scores - 7).astype(np.float32), relevant)] == expected


@given(st.integers(0, 2**32 - 1))
def test_a_relevant_item_that_scores_more_never_makes_a_value_worse(seed):
    scores, relevant = problem(seed, queries=4, items=9, levels=5)
    raised = scores + relevant * np.random.default_rng(seed).random(scores.shape)
    before, after = ranks(scores, relevant), ranks(raised, relevant)
    assert (first_rank(after) <= first_rank(before)).all()
    for k in (1, 5, None):
        old, new = (average_precision_at(ranked, k, divisor="reachable") for ranked in (before, after))
        assert (new >= old - 1e-12).all()


def test_what_cannot_be_ranked_is_refused():
    scores, relevant = problem(7)
    broken = scores.copy()
    broken[3, 4] = np.nan
    with pytest.raises(ValueError, match="query 3: a score is NaN"):
        ranks(broken, relevant)
    lonely = relevant.copy()
    lonely[2] = False
    with pytest.raises(ValueError, match="query 2: no relevant item"):
        ranks(scores, lonely)
    with pytest.raises(ValueError, match="are not the same"):
        ranks(scores, relevant.T)
    with pytest.raises(ValueError, match="without relevant items"):
        first_rank([np.array([], dtype=np.int64)])
