"""Caption metrics and the self-critical loss against pycocoevalcap's and AudioCaption's own numbers."""

import json
import re

import numpy as np
import pytest
import torch

from hark.losses.scst import scst
from hark.metrics.captioning import caption_metrics
from hark.metrics.cider import CiderD

pytestmark = pytest.mark.golden


@pytest.fixture
def captions(golden):
    return json.loads((golden("caption_metrics").folder / "captions.json").read_text())


def test_caption_metrics(golden, captions):
    g = golden("caption_metrics")
    candidates = [captions["candidates"][clip] for clip in captions["order"]]
    references = [captions["references"][clip] for clip in captions["order"]]
    whole, clips = caption_metrics(candidates, references)
    bleus = [f"BLEU-{k}" for k in range(1, 5)]
    for found, name in (
        ([whole[bleu] for bleu in bleus], "bleu1_4"),
        ([clips[bleu] for bleu in bleus], "bleu1_4_per_clip"),
        (whole["ROUGE-L"], "rouge_l"),
        (clips["ROUGE-L"], "rouge_l_per_clip"),
        (whole["CIDEr-D"], "cider"),
        (clips["CIDEr-D"], "cider_per_clip"),
    ):
        np.testing.assert_allclose(found, g[name], atol=1e-6, rtol=0, err_msg=name)


def test_self_critical_training(golden, captions):
    g = golden("caption_metrics")
    references = [captions["references"][clip] for clip in captions["order"]]
    start, end = (int(re.findall(rf"(\d+) {word}", g.what("greedy_seqs"))[0]) for word in ("start", "end"))
    cider = CiderD.of(references)

    def score(tokens):
        rows = ([captions["words"][token] for token in row if token != start] for row in tokens)
        texts = [" ".join(row[: row.index(captions["words"][end])]) for row in rows]
        return cider.score(texts, references)

    sampled = score(g["sampled_seqs"])
    reward = sampled - score(g["greedy_seqs"])
    np.testing.assert_allclose(sampled, g["scst_score"], atol=1e-6, rtol=0)
    np.testing.assert_allclose(reward, g["scst_reward"], atol=1e-6, rtol=0)
    loss = scst(g.tensor("sampled_logprobs"), g.tensor("sampled_seqs"), torch.from_numpy(reward), end=end)
    assert loss.item() == pytest.approx(float(g["scst_loss"]), rel=1e-6)
