"""Learning rates that fall from layer to layer: closed forms, a step of plain gradient descent, every tower of hark."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import spread_run
import torch
from torch import nn

from hark import recipe as recipes
from hark.core import component
from hark.core.errors import SettingError
from hark.recipe import Stage
from hark.recipe.stage import GroupSpec
from hark.train import state
from hark.train.data import open_batches
from hark.train.loop import train
from hark.train.optim import below, optimiser

SIZE = "frames = 48, frame_stride = 16, mel_stride = 16, width = 16, depth = 3, heads = 2, classes = 5"
PASST = f'{{ name = "passt", {SIZE} }}'
CNN14 = """{ name = "cnn14", channels = [4, 4, 4, 8], dim = 8, classes = 5 }"""
AST = spread_run.RECIPE.split("encoder = ")[1].split("\n")[0]
D = 0.75


def recipe(encoder: str) -> recipes.Recipe:
    return recipes.parse(spread_run.RECIPE.replace(AST, encoder), name="small")


def started(encoder: str, **settings: Any) -> tuple[state.State, Stage]:
    made = recipe(encoder)
    stage = dataclasses.replace(made.stages[0], **{"freeze": ("text_encoder",), **settings})
    torch.manual_seed(0)
    return state.start(made.build(assets={"tokenizer": spread_run.RECIPE_TOKENIZER}), stage), stage


def shares(current: state.State) -> dict[str, float]:
    names = {id(p): name for name, p in current.towers.named_parameters()}
    return {names[id(p)]: group["share"] for group in current.optimiser.param_groups for p in group["params"]}


def closed_form(name: str, depth: int) -> float:
    """BEiT's: number 0 for what patches and places are made of, i + 1 for block i, and all of it for the rest."""
    block = re.match(r"audio_encoder\.blocks\.(\d+)\.", name)
    if block:
        number = int(block[1]) + 1
    else:
        number = 0 if re.search(r"audio_encoder\.(patches|\w*token|\w*positions)", name) else depth + 1
    return float(D ** (depth + 1 - number))


def test_rates_of_passt_are_beits() -> None:
    current, _ = started(PASST, layer_decay=D)
    found = shares(current)
    assert found == pytest.approx({name: closed_form(name, 3) for name in found})
    assert found["audio_encoder.cls_token"] == found["audio_encoder.patches.weight"] == pytest.approx(D**4)
    assert found["audio_encoder.blocks.0.fc1.weight"] == pytest.approx(D**3)
    assert found["audio_encoder.blocks.2.fc1.bias"] == pytest.approx(D)
    assert {found[name] for name in found if not name.startswith("audio_encoder.")} == {1.0}
    assert found["audio_encoder.norm.weight"] == found["audio_encoder.tagger.1.weight"] == found["log_scale"] == 1.0


def test_rates_of_cnn14_whose_blocks_count_from_1() -> None:
    current, _ = started(CNN14, layer_decay=D)
    found = shares(current)
    wanted = {f"audio_encoder.blocks.{n}.": D ** (5 - n) for n in range(1, 5)}
    wanted |= {"audio_encoder.norm.": D**5, "audio_encoder.dense.": 1.0, "audio_encoder.tags.": 1.0}
    for name, share in found.items():
        begin = next((begin for begin in wanted if name.startswith(begin)), None)
        assert share == pytest.approx(wanted[begin] if begin else 1.0), name


def test_groups_have_their_own_rate_on_top_and_may_have_their_own_decay() -> None:
    heads = GroupSpec(("audio_head", "text_head"), 2.0)
    current, _ = started(PASST, layer_decay=D, groups=(heads, GroupSpec(("audio_encoder",), 0.1)))
    for name, share in shares(current).items():
        rate = 2.0 if "head" in name else 0.1 if name.startswith("audio_encoder") else 1.0
        assert share == pytest.approx(rate * closed_form(name, 3)), name
    whole = GroupSpec(("audio_encoder.norm", "audio_encoder.blocks.0"), 0.5, layer_decay=1.0)
    found = shares(started(PASST, layer_decay=D, groups=(whole,))[0])
    assert found["audio_encoder.blocks.0.fc1.weight"] == found["audio_encoder.norm.weight"] == 0.5
    assert found["audio_encoder.blocks.1.fc1.weight"] == pytest.approx(D**2)


SGD = '''
"""Gradient descent."""
from dataclasses import dataclass
import torch

@dataclass(frozen=True)
class Config:
    """None."""

    def build(self, *, groups, lr):
        """The optimiser."""
        return torch.optim.SGD(groups, lr=lr)
'''


@pytest.mark.parametrize("encoder", [PASST, CNN14], ids=["passt", "cnn14"])
def test_a_step_moves_each_block_in_proportion(encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train" / "optimisers").mkdir(parents=True)
    (tmp_path / "train" / "optimisers" / "sgd.py").write_text(SGD)
    monkeypatch.setenv("HARK_PLUGINS", str(tmp_path))
    monkeypatch.setenv("HARK_CACHE", str(tmp_path / "cache"))
    moved = []
    for decay in (1.0, D):
        # The step is long beside a weight's last bit; the gradients, of the same weights, do not depend on it.
        current, stage = started(
            encoder, layer_decay=decay, optimiser={"name": "sgd"}, weight_decay=0.0, lr=100.0, clip=None
        )
        before = {name: p.detach().clone() for name, p in current.towers.named_parameters()}
        next(train(current, open_batches(recipe(encoder), stage, data=tmp_path).__getitem__, stage))
        moved.append({name: p.detach() - before[name] for name, p in current.towers.named_parameters()})
        found = shares(current)
    whole, less = moved
    assert sum(bool(whole[name].abs().max() > 0) for name in found) > 20
    for name, share in found.items():
        torch.testing.assert_close(less[name], share * whole[name], rtol=1e-3, atol=1e-5)
    assert not whole["text_encoder.table.weight"].any()


def test_a_decay_of_1_changes_nothing() -> None:
    plain, same = started(PASST)[0], started(PASST, layer_decay=1.0)[0]
    told = [
        [(len(group["params"]), group["weight_decay"], group["share"]) for group in one.optimiser.param_groups]
        for one in (plain, same)
    ]
    assert told[0] == told[1]
    assert len(told[0]) == 2


@pytest.mark.parametrize(
    ("tower", "layers", "first", "behind"),
    [
        ("passt", 12, "cls_token", "norm.weight"),
        ("ast", 12, "positions", "norm.weight"),
        ("beats", 12, "patches.weight", None),
        ("vast", 12, "beats.patches.weight", None),
        ("cav_mae", 12, "patches.weight", "norm.weight"),  # eleven of its own, and one that it shares
        ("htsat", 4, "patch_embed.proj.weight", "norm.weight"),
        ("cnn14", 6, "norm.weight", "dense.weight"),
        ("mobilenet", 15, "stem.0.weight", "last.0.weight"),
    ],
)
def test_every_tower_has_layers(tower: str, layers: int, first: str, behind: str | None) -> None:
    with torch.device("meta"):
        made = component.module("models.audio", tower).Config().build(mels=64)
    found = below(made)
    assert found.keys() == dict(made.named_parameters()).keys()
    assert found[first] == layers + 1
    assert behind is None or found[behind] == 0
    assert set(range(1, layers + 2)) <= set(found.values()) <= set(range(layers + 2))
    of_layer = [count for name, count in found.items() if re.match(r"(beats\.)?(blocks|layers)\.", name)]
    assert of_layer == sorted(of_layer, reverse=True)


NETWORKS: dict[str, dict[str, Any]] = {
    kind: {"vocab_size": 30, "hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 8, "num_hidden_layers": 3}
    for kind in ("bert", "roberta", "mpnet")
}
NETWORKS["clip_text_model"] = NETWORKS["bert"]
NETWORKS["gpt2"] = {"vocab_size": 30, "n_embd": 8, "n_head": 2, "n_layer": 3, "n_positions": 20}
NETWORKS["distilbert"] = {"vocab_size": 30, "dim": 8, "hidden_dim": 8, "n_heads": 2, "n_layers": 3}


@pytest.mark.parametrize("kind", NETWORKS)
def test_text_towers_have_layers(kind: str) -> None:
    from hark.models.text.transformer import Config

    tower = Config(model="none", network={"model_type": kind, **NETWORKS[kind]}).build(assets=None)
    found = below(tower)
    assert set(found.values()) >= {1, 2, 3, 4}
    assert all(count == 4 for name, count in found.items() if "embeddings" in name or ".wte" in name or ".wpe" in name)


def test_a_tower_of_two_piles_has_no_order() -> None:
    with torch.device("meta"):
        assert below(component.module("models.audio", "wavegram_cnn14").Config().build(mels=0)) == {}


def test_a_class_that_is_made_of_ours_is_a_layer_still() -> None:
    tower = component.module("models.audio", "mobilenet").Config(width=0.25).build(mels=16)
    before = below(tower)
    for block in tower.blocks:  # as FSDP2 does
        kind = type(block)
        block.__class__ = type("Cut", (kind,), {"__module__": "torch.distributed.fsdp"})
    assert below(tower) == before


def test_a_tower_without_layers_is_told_once() -> None:
    message = "stage 'sounds': layer_decay: the text_encoder is not one pile of numbered layers; freeze it, or add "
    with pytest.raises(SettingError, match=message) as told:
        started(PASST, freeze=(), layer_decay=D)
    assert "\n" not in str(told.value)
    added = str(told.value).split("add to groups ")[1]
    text = spread_run.RECIPE.replace(AST, PASST).replace("warmup = 0", f"layer_decay = {D}\ngroups = [{added}]")
    made = recipes.parse(text, name="small")
    towers = made.build(assets={"tokenizer": spread_run.RECIPE_TOKENIZER})
    found = shares(state.start(towers, made.stages[0]))
    assert found["text_encoder.table.weight"] == 1.0
    assert found["audio_encoder.cls_token"] == pytest.approx(D**4)


@pytest.mark.parametrize("decay", [0.0, -0.5, 1.01, float("nan")])
def test_bad_values_are_refused(decay: float) -> None:
    text = spread_run.RECIPE.replace("warmup = 0", f"layer_decay = {decay}")
    with pytest.raises(
        SettingError, match=r"small.toml: stages\[0\]: layer_decay is .*; give more than 0, and 1 at most"
    ):
        recipes.parse(text, name="small")
    group = f'groups = [{{ parts = ["audio_encoder"], rate = 1.0, layer_decay = {decay} }}]'
    with pytest.raises(SettingError, match=r"groups\[0\]: layer_decay is"):
        recipes.parse(spread_run.RECIPE.replace("warmup = 0", group), name="small")


def test_a_module_without_encoders_knows_no_decay() -> None:
    made = optimiser(nn.Linear(2, 2), Stage(name="s", layer_decay=D))
    assert {group["share"] for group in made.param_groups} == {1.0}
