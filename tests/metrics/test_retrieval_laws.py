"""Laws that hold for any scores, and blocks of items that add up to all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.metrics.answers import Answers
from hark.metrics.ranked import Ranked, places, reaching
from hark.metrics.retrieval import average_precision_at, falling, first_rank, ndcg_at, ranks, recall_at, reciprocal_rank
from hark.metrics.top import Top

SEEDS = st.integers(0, 2**32 - 1)
LEVELS = st.sampled_from([1, 2, 4, 1000])


def problem(seed, levels, queries=5, items=23):
    rng = np.random.default_rng(seed)
    scores = (rng.integers(levels, size=(queries, items)) / 4).astype(np.float32)
    relevant = rng.random((queries, items)) < rng.choice([0.02, 0.3, 0.9])
    relevant[np.arange(queries), rng.integers(items, size=queries)] = True
    return scores, relevant


def all_values(ranked):
    yield from (recall_at(ranked, k) for k in (1, 5, 100))
    yield from (average_precision_at(ranked, k, divisor=d) for k in (1, 10, None) for d in ("all", "reachable"))
    yield from (ndcg_at(ranked, k) for k in (1, 10, 100, None))
    yield from (reciprocal_rank(ranked, k) for k in (3, None))


@given(SEEDS, LEVELS)
def test_values_lie_between_0_and_1_and_a_perfect_ranking_is_1(seed, levels):
    scores, relevant = problem(seed, levels)
    for value in all_values(ranks(scores, relevant)):
        assert ((value >= 0) & (value <= 1 + 1e-12)).all()
    perfect = ranks(relevant.astype(float), relevant)
    for value in (
        ndcg_at(perfect, 10),
        reciprocal_rank(perfect),
        average_precision_at(perfect, 10, divisor="reachable"),
    ):
        np.testing.assert_allclose(value, 1)


@given(SEEDS, LEVELS)
def test_a_collapsed_model_earns_no_more_than_the_worst_ranking(seed, levels):
    _, relevant = problem(seed, levels)
    equal, worst = ranks(np.zeros(relevant.shape), relevant), ranks(-relevant.astype(float), relevant)
    for ours, least in zip(all_values(equal), all_values(worst), strict=True):
        assert (ours == least).all()


@given(SEEDS, LEVELS)
def test_recall_and_unnormalised_precision_rise_with_k_up_to_all_items(seed, levels):
    scores, relevant = problem(seed, levels)
    found = ranks(scores, relevant)
    recalls = [recall_at(found, k) for k in range(1, 30)]
    precisions = [average_precision_at(found, k, divisor="all") for k in range(1, 30)]
    assert (np.diff(recalls, axis=0) >= 0).all()
    assert (np.diff(precisions, axis=0) >= -1e-12).all()
    assert (recalls[-1] == 1).all()  # k is more than there are items
    np.testing.assert_allclose(precisions[-1], average_precision_at(found, None, divisor="reachable"))


@given(SEEDS, LEVELS)
def test_averaged_ties_are_no_worse_on_the_whole_and_scores_turned_round_turn_the_places(seed, levels):
    scores, relevant = problem(seed, levels)
    against, averaged = ranks(scores, relevant), ranks(scores, relevant, ties="average")
    for ours, theirs in zip(averaged, against, strict=True):
        assert ours.sum() <= theirs.sum()
    for ours, theirs in zip(averaged, ranks(-scores, relevant, ties="average"), strict=True):
        assert (ours == scores.shape[1] + 1 - theirs[::-1]).all()


def test_chance_is_worth_what_a_shuffled_list_is():
    queries, items, number = 20_000, 20, 3
    relevant = np.zeros((queries, items), dtype=bool)
    relevant[:, :number] = True
    found = ranks(np.random.default_rng(1).random((queries, items)), relevant)
    assert ndcg_at(found, None).mean() == pytest.approx(
        number / items * sum(1 / np.log2(p + 1) for p in range(1, items + 1)) / sum(1 / np.log2([2, 3, 4])), abs=0.01
    )
    assert first_rank(found).mean() == pytest.approx((items + 1) / (number + 1), abs=0.1)  # the least of 3 of 20


@given(SEEDS, LEVELS, st.integers(1, 23), st.sampled_from(["against", "average"]))
def test_blocks_of_items_add_up_to_all(seed, levels, width, ties):
    scores, relevant = problem(seed, levels)
    answers = Answers.of(relevant)
    bars = falling(scores[answers.query, answers.item], answers)
    blocks = [scores[:, at : at + width] for at in range(0, scores.shape[1], width)]
    reached = sum(reaching(block, bars, answers.starts) for block in blocks)
    above = sum(reaching(block, bars, answers.starts, above=True) for block in blocks) if ties == "average" else None
    found = places(bars, answers.starts, reached, above)
    assert [one.tolist() for one in found] == [one.tolist() for one in ranks(scores, relevant, ties=ties)]


@given(SEEDS, LEVELS, st.integers(1, 23), st.integers(0, 30))
def test_the_best_items_are_those_of_a_sorted_list_for_any_blocks(seed, levels, width, k):
    scores, relevant = problem(seed, levels)
    top = Top(Answers.of(relevant), k)
    for at in range(0, scores.shape[1], width):
        top.add(scores[:, at : at + width], first=at)
    for row, wanted, items, best in zip(scores, relevant, top.items, top.scores, strict=True):
        order = sorted(range(len(row)), key=lambda i: (-row[i], wanted[i], i))[:k]
        assert items.tolist() == order + [-1] * (k - len(order))
        assert best.tolist() == [row[i] for i in order] + [-np.inf] * (k - len(order))


@given(SEEDS, LEVELS)
def test_pairs_are_the_matrix_in_any_order_and_turned(seed, levels):
    _, relevant = problem(seed, levels)
    answers = Answers.of(relevant)
    mixed = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(answers.query)), 2))  # each one twice
    again = Answers.paired(answers.query[mixed], answers.item[mixed], queries=5, items=23)
    assert (again.matrix() == relevant).all()
    assert (answers.turned().matrix() == relevant.T).all()
    assert (answers.rows(1, 4).matrix() == relevant[1:4]).all()
    assert answers.number.tolist() == relevant.sum(axis=1).tolist()
    described, back = answers.turned().answered()
    assert described.tolist() == np.flatnonzero(relevant.any(axis=0)).tolist()
    assert (back.matrix() == relevant.T[described]).all()
    everything = np.indices(relevant.shape).reshape(2, -1)
    assert (answers.holds(*everything).reshape(relevant.shape) == relevant).all()


def test_ranked_is_a_sequence():
    found = Ranked.of([np.array([3, 1]), np.array([2]), np.array([5, 4, 9])])
    assert [one.tolist() for one in found] == [[1, 3], [2], [4, 5, 9]]
    assert (len(found), found[-1].tolist(), [one.tolist() for one in found[:2]]) == (3, [4, 5, 9], [[1, 3], [2]])
    assert found.ordinal.tolist() == [1, 2, 1, 1, 2, 3]
    with pytest.raises(IndexError):
        found[3]
    assert len(Ranked.of([])) == 0
