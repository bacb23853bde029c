"""IRIT's audio and text sides against the original's numbers; its loss and impostors are tested with the losses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from hark import recipe as recipes
from hark.checkpoints.convert import Published, convert
from hark.models import weights
from hark.models.heads.layer_norm import Config as TextConfig
from hark.models.heads.normed_linear import Config as PlainConfig
from hark.models.heads.tagged import Config as TaggedConfig
from hark.models.heads.tagged import with_tags
from hark.models.renames.irit import Config as RenameConfig
from hark.runtime.load import load

pytestmark = pytest.mark.golden

SHARE = 0.8  # written into the original's code; its `ratio_embed1` is read and not used


def published(g: Any) -> dict[str, torch.Tensor]:
    """The head's tensors, by the rename table."""
    content = torch.load(g.checkpoint(), map_location="cpu", weights_only=True)
    tensors = RenameConfig().build().apply(content, where="golden")
    return {name.removeprefix("audio_head."): tensor for name, tensor in tensors.items()}


def test_the_audio_side(golden: Callable[[str], Any], near: Callable[..., None]) -> None:
    g = golden("irit")
    made = g.about["constructor"]
    config = TaggedConfig(classes=made["passt_dim"], share=SHARE)
    head = config.build(before=made["passt_dim"] + made["scene_embed_dim"], after=made["out_dim"])
    weights.fill(head, {**published(g), "tags": g.tensor("tag_embeddings")}, where="golden")
    near(head(torch.cat([g.tensor("logits"), g.tensor("scene_embeddings")], dim=1)), g["audio_embeddings"])


def test_the_audio_side_without_tags(golden: Callable[[str], Any], near: Callable[..., None]) -> None:
    g = golden("irit")
    made = g.about["constructor"]
    head = PlainConfig().build(before=made["scene_embed_dim"], after=made["out_dim"])
    weights.fill(head, published(g), where="golden")
    near(F.normalize(head(g.tensor("scene_embeddings")), dim=1), g["scene_branch"])


def test_the_pull_of_the_tags(golden: Callable[[str], Any], near: Callable[..., None]) -> None:
    g = golden("irit")
    found = with_tags(g.tensor("scene_branch"), g.tensor("logits"), g.tensor("tag_embeddings"), share=SHARE)
    near(found, g["audio_embeddings"])


def test_the_file_is_joined_to_a_passt(
    golden: Callable[[str], Any], toml: Any, near: Callable[..., None], tmp_path: Path
) -> None:
    """By the product's own way; the PaSST is one of chance, and the tags' vectors, which no file holds, are added."""
    g = golden("irit")
    made = g.about["constructor"]
    passt = {"name": "passt", "width": made["scene_embed_dim"], "depth": 1, "heads": 2, "classes": made["passt_dim"]}
    audio = {"rate_hz": 32000, "features": {"name": "passt_mel"}, "encoder": passt, "head": {"name": "identity"}}
    alone = f"about = 'PaSST'\ndim = {made['scene_embed_dim']}\naudio = {toml(audio)}\n"
    head = {"name": "tagged", "classes": made["passt_dim"], "share": SHARE}
    audio |= {"encoder": {**passt, "output": "both"}, "head": head}
    source = f"about = 'IRIT'\ndim = {made['out_dim']}\naudio = {toml(audio)}\n"
    saved = tmp_path / "passt.safetensors"
    frozen = recipes.parse(alone, name="passt").build()
    weights.save(saved, weights.Saved(frozen.state_dict(), "passt", alone, {}, {}))
    content = torch.load(g.checkpoint(), map_location="cpu", weights_only=True)
    torch.save({**content, "audio_head.tags": g.tensor("tag_embeddings")}, tmp_path / "irit.pt")
    recipe = recipes.parse(source, name="irit")
    beside = {"audio_encoder": "passt", "audio_head.tags": "nowhere"}
    published = Published(
        tmp_path / "irit.pt", "irit", recipe, beside, find=lambda name: tmp_path / f"{name}.safetensors"
    )
    convert(published, tmp_path / "made.safetensors")
    model = load(str(tmp_path / "made.safetensors"))
    heard = torch.cat([g.tensor("logits"), g.tensor("scene_embeddings")], dim=1)
    near(model.towers.audio_head(heard), g["audio_embeddings"])
    wave = torch.randn(1, 32000)
    assert torch.equal(model.towers.hear(wave).logits, frozen.eval().hear(wave).logits)


def test_the_text_side(golden: Callable[[str], Any], near: Callable[..., None]) -> None:
    g = golden("irit")
    captions = g.tensor("caption_embeddings")
    head = TextConfig().build(before=captions.shape[1], after=captions.shape[1])
    near(F.normalize(head(captions), dim=1), g["query_embeddings"])
