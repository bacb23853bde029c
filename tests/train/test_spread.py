"""Every tower, its tensors cut into parts (FSDP2, a world of one) or its layers run again: the same gradients."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import nn

from hark.models.audio import ast, beats, cav_mae, cnn14, htsat, mobilenet, passt, vast
from hark.train import spread
from hark.train.by_row import ByRow
from hark.train.world import World

BEATS = beats.Config(layers=2, width=48, heads=4, hidden=96, patch_dim=32, conv=16, conv_groups=4)
TOWERS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "ast": (ast.Config(frames=48, width=16, depth=2, heads=2, classes=0), (1, 48, 16)),
    "beats": (BEATS, (1, 64, 32)),
    "cav_mae": (cav_mae.Config(frames=64, width=24, depth=2, shared_depth=2, heads=3), (1, 64, 32)),
    "cnn14": (cnn14.Config(channels=(4, 4, 8, 8, 8, 8), dim=8, classes=0), (1, 101, 64)),
    "htsat": (htsat.Config(width=8, depths=(2, 2, 2, 2), heads=(2, 2, 2, 2), classes=0), (1, 200, 64)),
    "mobilenet": (mobilenet.Config(width=0.25), (1, 64, 32)),
    "passt": (passt.Config(frames=100, width=24, depth=2, heads=3, classes=0, drop_patches=2), (1, 90, 64)),
    "vast": (vast.Config(beats=BEATS), (2, 64, 32)),
}


class Text(nn.Module):
    """A Hugging Face network's mean output."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        import transformers

        size = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
        config = getattr(transformers, f"{kind}Config")(vocab_size=50, bos_token_id=1, eos_token_id=2, **size)
        self.network = getattr(transformers, f"{kind}Model")(config)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.network(ids).last_hidden_state.mean(dim=1)
        return made


@pytest.fixture
def group() -> Iterator[None]:
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.filterwarnings("ignore:FSDP2-wrapped module")
@pytest.mark.filterwarnings("ignore:.*is deprecated.*:FutureWarning")  # torch's own calls of torch
@pytest.mark.parametrize("name", [*TOWERS, "Bert", "Roberta", "GPT2", "CLIPText"])
def test_parts_and_again_give_the_same_gradients(name: str, group: None) -> None:
    torch.manual_seed(0)
    if name in TOWERS:
        config, shape = TOWERS[name]
        tower, image = config.build(mels=shape[-1]), torch.randn(4, *shape)
    else:
        tower, image = Text(name), torch.randint(3, 50, (4, 6))
    tower.train()
    wanted = gradients(copy.deepcopy(tower), image)
    for cut, again in ((False, True), (True, False), (True, True)):
        other = copy.deepcopy(tower)
        if cut:
            spread.shard(other, World())
        if again:
            with spread.recomputed(other):
                found = gradients(other, image)
        else:
            found = gradients(other, image)
        assert found.keys() == wanted.keys()
        for part, gradient in wanted.items():
            torch.testing.assert_close(found[part], gradient, atol=1e-5, rtol=1e-5)


def gradients(tower: nn.Module, image: torch.Tensor) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    with ByRow(5, range(4)):
        tower(image).square().mean().backward()
    named = {name: p.grad for name, p in tower.named_parameters() if p.grad is not None}
    return spread.full(named, World())


def test_blocks_are_the_layers() -> None:
    config, _ = TOWERS["htsat"]
    found = spread.blocks(config.build(mels=64))
    assert len(found) == 8
    assert len({type(block) for block in found}) == 1
    assert spread.blocks(nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))) == []


@pytest.mark.parametrize("name", ["cnn14", "mobilenet", "htsat"])
def test_layers_run_again_keep_less_and_change_nothing_else(name: str) -> None:
    config, shape = TOWERS[name]
    torch.manual_seed(0)
    tower, image = config.build(mels=shape[-1]).train(), torch.randn(4, *shape)
    blocks = spread.blocks(tower)
    assert len(blocks) > 1
    calls: list[int] = []
    blocks[0].register_forward_hook(lambda *_: calls.append(1))
    other = copy.deepcopy(tower)

    def kept(module: nn.Module) -> int:
        own = {tensor.data_ptr() for tensor in (*module.parameters(), *module.buffers())}
        held: dict[int, int] = {}

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            if tensor.data_ptr() not in own:
                held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        torch.manual_seed(0)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            made = module(image).square().mean()
        found = sum(held.values())
        made.backward()
        return found

    whole = kept(tower)
    with spread.recomputed(other):
        assert kept(other) < 0.7 * whole
    for (part, one), two in zip(tower.state_dict().items(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(two, one, msg=lambda m, n=part: f"{n}: {m}")  # also the running statistics
