"""The losses, and SJTU's retrieval metrics, against numbers made by the original implementations."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from hark.losses.dual_clip import dual_clip
from hark.losses.infonce import infonce
from hark.losses.triplet import impostors, triplet
from hark.metrics.retrieval import first_rank, geometric_mean, ranks, recall_at

pytestmark = pytest.mark.golden

NEAR = 1e-5
"""Of the golden loss."""


def test_laions_losses(golden, near):
    g = golden("laion_htsat")
    audio, text, audio_branch, text_branch = (
        g.tensor(f"loss_{name}") for name in ("audio", "text", "audio_mlp", "text_mlp")
    )
    scale, branch_scale, one_each = g.tensor("loss_scale_a"), g.tensor("loss_scale_t"), torch.eye(len(audio))
    near(infonce(audio, text, one_each, scale), g["loss_value_mlp_false"], tolerance=NEAR)
    dual = (audio, text, audio_branch, text_branch, one_each, scale, branch_scale)
    near(dual_clip(*dual), g["loss_value_mlp_true"], tolerance=NEAR)
    weighted = {name: re.search(r"kappa=([\d.]+)", g.about["arrays"][name]["what"]) for name in g.arrays}
    weighted = {name: float(said[1]) for name, said in weighted.items() if said}
    assert weighted
    for name, kappa in weighted.items():
        near(dual_clip(*dual, kappa=kappa), g[name], tolerance=NEAR)


def test_irits_triplets(golden, near):
    g = golden("irit")
    audio, text, files = g.tensor("audio_embeddings"), g.tensor("query_embeddings"), g.tensor("file_ids")
    draws: list[int] = []
    rng = np.random.RandomState(g.about["seed"])

    def draw(n):
        draws.append(rng.randint(0, n))
        return draws[-1]

    sounds, sentences = impostors(files[:, None] == files[None], draw)
    assert sounds.tolist() == g["audio_impostor"].tolist()
    assert sentences.tolist() == g["query_impostor"].tolist()
    assert draws == g["randint_draws"].tolist()
    losses = [name for name in g.arrays if name.startswith("triplet_margin")]
    assert losses
    for name in losses:
        margin = float(name.removeprefix("triplet_margin"))
        near(triplet(audio, text, sounds, sentences, margin=margin), g[name], tolerance=NEAR)


def test_cav_maes_contrast(golden, near):
    g = golden("cav_mae")
    audio, video = (F.normalize(g.tensor(name), dim=1) for name in ("nce_audio", "nce_video"))
    temperature = float(re.search(r"temperature ([\d.]+)", g.about["arrays"]["nce_single"]["what"])[1])
    given = (audio, video, torch.eye(len(audio)), torch.tensor(1 / temperature))
    near(infonce(*given, directions="text-to-sound"), g["nce_single"], tolerance=NEAR)
    near(infonce(*given), g["nce_bidirect"], tolerance=NEAR)


def test_sjtus_contrast(golden, near):
    g = golden("sjtu_infonce")
    for kind in ("audio", "text"):
        raw = g.tensor(f"{kind}_raw")
        near((raw / (raw.norm(dim=-1, keepdim=True) + 1e-7)).clamp(-1e3, 1e3), g[f"{kind}_emb"])
    audio, text, scale = g.tensor("audio_emb"), g.tensor("text_emb"), g.tensor("logit_scale")
    # Of the captions of a clip the original reads the first, the others are chosen by its caller: "text[:,2].T".
    for wanted in ("loss_first_caption", "loss_2d", "loss_sims"):
        chosen = re.search(r"\[:, ?(\d+)\]", g.what(wanted))
        caption = int(chosen[1]) if chosen else 0
        near(infonce(audio, text[:, caption], torch.eye(len(audio)), scale), g[wanted], tolerance=NEAR)


@pytest.mark.parametrize("direction", ["t2a", "a2t"])
def test_sjtus_retrieval_metrics(golden, direction):
    g = golden("sjtu_infonce")
    scores = g["sims_rounded"]  # (captions, clips), the captions of a clip follow each other
    relevant = np.arange(len(scores))[:, None] // (len(scores) // scores.shape[1]) == np.arange(scores.shape[1])
    if direction == "a2t":
        scores, relevant = scores.T, relevant.T
    ranked = ranks(scores, relevant, ties="average")
    names = [name.removeprefix(f"{direction}_") for name in g.arrays if name.startswith(f"{direction}_")]
    found = {f"R{k}": 100 * recall_at(ranked, int(k)).mean() for k in re.findall(r"\bR(\d+)\b", " ".join(names))}
    found["MedR"] = np.median(first_rank(ranked))
    found["MeanR"] = first_rank(ranked).mean()
    means = [name for name in names if name.startswith("geometric_mean_")]
    for name in means:
        found[name] = geometric_mean([found[part] for part in name.removeprefix("geometric_mean_").split("-")])
    assert {"R1", "R10", "MedR", "MeanR", *means} <= set(names)
    for name in names:
        assert found[name] == pytest.approx(g[f"{direction}_{name}"], rel=1e-9), name
