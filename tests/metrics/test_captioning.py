"""BLEU, ROUGE-L and CIDEr-D against values worked out by hand, and laws; golden numbers are elsewhere."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.metrics.bleu import bleu
from hark.metrics.captioning import caption_metrics
from hark.metrics.cider import CiderD
from hark.metrics.rouge import rouge_l

REFERENCES = [
    ["a dog barks", "a dog barks at a cat"],
    ["rain falls on a roof", "heavy rain on a tin roof"],
    ["a train passes by"],
    ["people talk in a hall", "many voices in a hall"],
]
CANDIDATES = ["a dog barks", "rain on a roof", "a car passes by", "birds"]
PLAIN = {"atol": 1e-8, "rtol": 0}

sentences = st.lists(st.sampled_from("abcde"), min_size=1, max_size=8).map(" ".join)
sets = st.lists(st.tuples(sentences, st.lists(sentences, min_size=1, max_size=3)), min_size=2, max_size=6)


def test_bleus_clipped_precision_is_papinenis_example():
    candidate, references = "the the the the the the the", ["the cat is on the mat", "there is a cat on the mat"]
    measured = bleu([candidate], [references])
    np.testing.assert_allclose(measured.per_clip[0], [2 / 7], **PLAIN)
    np.testing.assert_allclose(measured.corpus, measured.per_clip[:, 0])


def test_bleu_penalises_what_is_shorter_than_the_nearest_reference():
    measured = bleu(["a b c"], [["a b c d e", "a b c d e f g h i"]])
    np.testing.assert_allclose(measured.corpus[:3], [math.exp(1 - 5 / 3)] * 3, **PLAIN)
    nearest = bleu(["a b c"], [["a b c d", "a b"]])  # one word off both; the shorter one counts: no penalty
    np.testing.assert_allclose(nearest.corpus[0], 1.0, **PLAIN)


def test_bleu_of_a_set_sums_counts():
    measured = bleu(["a b", "c d e f"], [["a x"], ["c d e f"]], n=1)
    np.testing.assert_allclose(measured.per_clip, [[0.5, 1.0]], **PLAIN)
    np.testing.assert_allclose(measured.corpus, [5 / 6], **PLAIN)


def test_bleu_n_is_the_geometric_mean_of_precisions():
    measured = bleu(["a b x d"], [["a b c d"]], n=2)
    np.testing.assert_allclose(measured.corpus, [3 / 4, math.sqrt(3 / 4 * 1 / 3)], **PLAIN)


def test_rouge_takes_the_best_precision_and_the_best_recall():
    precision, recall = 3 / 4, 3 / 3  # with "a b c d e f" and with "a b d"
    wanted = (1 + 1.2**2) * precision * recall / (recall + 1.2**2 * precision)
    np.testing.assert_allclose(rouge_l(["a x b d"], [["a b c d e f", "a b d"]]), [wanted])


def test_rouge_counts_words_in_order_only():
    b2 = 1.2**2
    np.testing.assert_allclose(rouge_l(["c b a"], [["a b c"]]), [(1 + b2) / 9 / (1 / 3 + b2 / 3)])


def test_cider_of_one_word_captions_is_the_share_of_equal_references():
    cider = CiderD.of([["dog", "cat"], ["rain"]], n=1)
    np.testing.assert_allclose(cider.score(["dog", "dog"], [["dog", "cat"], ["rain"]]), [10 / 2, 0.0])


def test_cider_weighs_words_by_how_few_clips_have_them():
    cider = CiderD.of([["dog far"], ["rain far"], ["wind"]], n=1)
    rare, common = math.log(3), math.log(3 / 2)
    norm = math.hypot(rare, common)
    (found,) = cider.score(["dog"], [["dog far"]])
    assert found == pytest.approx(10 * rare / norm * math.exp(-1 / 72))  # one word less
    (found,) = cider.score(["far"], [["dog far"]])
    assert found == pytest.approx(10 * common / norm * math.exp(-1 / 72))


def test_cider_clips_repeated_words():
    cider = CiderD.of([["dog"], ["rain"]], n=1)
    (found,) = cider.score(["dog dog dog"], [["dog"]])
    assert found == pytest.approx(10 / 3 * math.exp(-4 / 72))


def test_frequencies_are_counted_once_and_serve_any_batch():
    whole = CiderD.of(REFERENCES).score(CANDIDATES, REFERENCES)
    cider = CiderD.of(REFERENCES)
    parts = [cider.score(CANDIDATES[i : i + 1], REFERENCES[i : i + 1])[0] for i in range(4)]
    np.testing.assert_allclose(parts, whole, rtol=1e-12)
    assert CiderD.of(REFERENCES[:1]).score(CANDIDATES[:1], REFERENCES[:1]).tolist() == [0.0]  # log(1 / 1)


def test_all_measures_together():
    whole, clips = caption_metrics(CANDIDATES, REFERENCES)
    assert list(clips) == ["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "CIDEr-D"]
    assert set(whole) == set(clips)
    assert all(values.shape == (4,) for values in clips.values())
    assert whole["CIDEr-D"] == pytest.approx(clips["CIDEr-D"].mean())
    other, _ = caption_metrics(CANDIDATES, REFERENCES, cider=CiderD.of([*REFERENCES, ["a dog"]]))
    assert other["CIDEr-D"] != whole["CIDEr-D"]


@given(sets)
def test_the_order_of_clips_and_of_references_changes_nothing(clips):
    candidates, references = [c for c, _ in clips], [r for _, r in clips]
    whole, each = caption_metrics(candidates, references)
    backwards, each_backwards = caption_metrics(candidates[::-1], [r[::-1] for r in references[::-1]])
    assert backwards == pytest.approx(whole)
    for name in each:
        np.testing.assert_allclose(each_backwards[name][::-1], each[name], atol=1e-12)


@given(sets)
def test_values_stay_in_their_range_and_a_reference_itself_is_worth_most(clips):
    references = [r for _, r in clips]
    whole, each = caption_metrics([c for c, _ in clips], references)
    perfect, _ = caption_metrics([r[0] for r in references], [r[:1] for r in references])
    for name, values in each.items():
        assert ((values >= 0) & (values <= (10 if name == "CIDEr-D" else 1) + 1e-9)).all()
        assert whole[name] >= 0
    assert perfect["BLEU-1"] == pytest.approx(1)
    assert perfect["ROUGE-L"] == pytest.approx(1)


def test_an_empty_caption_is_worth_nothing():
    whole, clips = caption_metrics(["", "rain on a roof"], REFERENCES[:2])
    assert all(values[0] == pytest.approx(0, abs=1e-6) for values in clips.values())
    assert whole["ROUGE-L"] > 0


@pytest.mark.parametrize("measure", [bleu, rouge_l, caption_metrics])
@pytest.mark.parametrize("references", [[["a"], []], [["a"]], [["a"], "b"]])
def test_each_caption_needs_references(measure, references):
    with pytest.raises(ValueError, match="reference"):
        measure(["a", "b"], references)
