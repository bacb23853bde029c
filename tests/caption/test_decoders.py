"""The networks of captioners: against torch's own layers, cached against afresh, in a batch against alone."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hark.caption.average import Averaged
from hark.caption.beam import beam
from hark.caption.stepper import Afresh
from hark.models.captioning.decoders import gru, transformer
from hark.models.captioning.encoders import bigru
from hark.models.captioning.memory import Memory
from hark.models.captioning.network import Network

HEARD, LONGEST = 6, 4


@dataclass(frozen=True)
class Numbers:
    """A speller of which only the sizes are asked."""

    size: int = 5
    pad: int = 0
    start: int = 1
    stop: int = 2


DECODERS: dict[str, Any] = {
    "transformer": transformer.Config(width=16, layers=2, heads=2),
    "gru": gru.Config(width=8, embed=6, attend=5),
}


def network(name: str, *, seed: int = 0, size: int = 5) -> Network:
    torch.manual_seed(seed)
    encoder = bigru.Config(width=7, layers=2).build(heard=HEARD)
    decoder = DECODERS[name].build(memory=encoder.dim, speller=Numbers(size))
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.mul_(1.7)  # words that differ in how likely they are
    return Network(encoder, decoder).double().eval().requires_grad_(False)


def frames(batch: int = 3, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    made = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 9, HEARD, generator=made, dtype=torch.float64), torch.tensor([9, 4, 7][:batch])


def afresh(made: Network, heard: Tensor, lengths: Tensor) -> Afresh:
    def ask(clip: Tensor, words: Tensor) -> Tensor:
        given = torch.cat([torch.ones(len(clip), 1, dtype=torch.long), words], dim=1)
        return made(heard[clip], lengths[clip], given)[:, -1].log_softmax(dim=-1)

    return Afresh(ask, len(heard))


def stepper(made: Network, heard: Tensor, lengths: Tensor) -> Any:
    return made.stepper(made.memory(heard, lengths))


@pytest.mark.parametrize("name", DECODERS)
def test_cached_says_what_it_says_afresh(name: str) -> None:
    """Rows that go on twice, change places, or end."""
    made, (heard, lengths) = network(name), frames()
    one, other = stepper(made, heard, lengths), afresh(made, heard, lengths)
    torch.testing.assert_close(one.first(), other.first())
    draws = torch.Generator().manual_seed(1)
    held = 3
    for count in (3, 5, 2, 4):
        rows = torch.randint(held, (count,), generator=draws)
        words = torch.randint(5, (count,), generator=draws)
        torch.testing.assert_close(one.step(words, rows), other.step(words, rows))
        held = count


@pytest.mark.parametrize("name", DECODERS)
def test_a_sound_is_captioned_alone_as_in_a_batch(name: str) -> None:
    made, (heard, lengths) = network(name), frames()
    words = torch.tensor([[1, 3, 4, 2]]).expand(3, -1)
    together = made(heard, lengths, words)
    said = beam(stepper(made, heard, lengths), stop=2, beams=3, steps=6)
    for row, length in enumerate(lengths.tolist()):
        alone = heard[row : row + 1, :length]
        torch.testing.assert_close(made(alone, lengths[row : row + 1], words[:1])[0], together[row])
        found = beam(stepper(made, alone, lengths[row : row + 1]), stop=2, beams=3, steps=6)
        assert found.lists()[0] == said.lists()[row]
        torch.testing.assert_close(found.scores[0], said.scores[row])


@pytest.mark.parametrize("names", [["transformer"], ["gru"], ["transformer", "gru"]], ids="+".join)
@pytest.mark.parametrize("power", [0.0, 1.0])
def test_beam_search_finds_the_best_of_all_that_can_be_said(names: list[str], power: float) -> None:
    heard, lengths = frames()
    networks = [network(name, seed=n) for n, name in enumerate(names)]
    wide = beam(
        Averaged([stepper(made, heard, lengths) for made in networks]), stop=2, beams=400, steps=LONGEST, power=power
    )
    for clip in range(3):
        everything: list[tuple[float, list[int]]] = []
        for length in range(1, LONGEST + 1):
            possible = [
                words
                for words in itertools.product(range(5), repeat=length)
                if 2 not in words[:-1] and (words[-1] == 2 or length == LONGEST)
            ]
            logs = worth(networks, heard[clip], lengths[clip], torch.tensor(possible))
            everything += [(log / length**power, list(words)) for log, words in zip(logs, possible, strict=True)]
        best, words = max(everything)
        assert wide.lists()[clip][0] == words
        assert wide.scores[clip, 0].item() == pytest.approx(best)


def worth(networks: list[Network], heard: Tensor, length: Tensor, said: Tensor) -> list[float]:
    """The log-probabilities of captions (n, words): of each word the mean of what the networks say."""
    given = torch.cat([torch.ones(len(said), 1, dtype=torch.long), said[:, :-1]], dim=1)
    with torch.no_grad():
        rows = (heard.expand(len(said), -1, -1), length.expand(len(said)))
        mean = torch.stack([made(*rows, given).softmax(dim=-1) for made in networks]).mean(dim=0)
    return mean.gather(2, said[..., None])[..., 0].log().sum(dim=1).tolist()


def test_transformer_is_torchs() -> None:
    """`nn.TransformerDecoder` with our weights in it, over a memory of which some is padding."""
    torch.manual_seed(0)
    ours = transformer.Config(width=16, layers=2, heads=2).build(memory=10, speller=Numbers(7)).double().eval()
    layer = nn.TransformerDecoderLayer(16, 2, 64, batch_first=True, dtype=torch.float64)
    theirs = nn.TransformerDecoder(layer, 2).eval()
    for mine, other in zip(ours.layers, theirs.layers, strict=True):
        asked = {"in_proj_weight": torch.cat([mine.asks.weight, mine.answers.weight])}
        asked["in_proj_bias"] = torch.cat([mine.asks.bias, mine.answers.bias])
        said = {"in_proj_weight": mine.words.weight, "in_proj_bias": mine.words.bias}
        out = {f"out_proj.{n}": p for n, p in mine.words_out.named_parameters()}
        other.self_attn.load_state_dict(said | out)
        out = {f"out_proj.{n}": p for n, p in mine.answers_out.named_parameters()}
        other.multihead_attn.load_state_dict(asked | out)
        other.linear1.load_state_dict(mine.wide.state_dict())
        other.linear2.load_state_dict(mine.narrow.state_dict())
        for norm, wanted in zip(mine.norms, (other.norm1, other.norm2, other.norm3), strict=True):
            wanted.load_state_dict(norm.state_dict())
    memory = Memory(torch.randn(3, 6, 10, dtype=torch.float64), torch.tensor([6, 2, 5]))
    words = torch.randint(7, (3, 5))
    vectors = ours.embed(words) * 4.0 + transformer.positions(0, 5, 16).double()
    later = nn.Transformer.generate_square_subsequent_mask(5, dtype=torch.float64)
    found = theirs(vectors, ours.heard(memory.places), tgt_mask=later, memory_key_padding_mask=~memory.real())
    torch.testing.assert_close(ours(memory, words), ours.classify(found))


def test_positions_in_closed_form() -> None:
    made = transformer.positions(3, 2, 6)
    for row, place in enumerate((3, 4)):
        for i in range(3):
            angle = torch.tensor(place / 10000 ** (2 * i / 6))
            torch.testing.assert_close(made[row, 2 * i : 2 * i + 2], torch.stack([angle.sin(), angle.cos()]))


def test_gru_over_one_place_is_torchs() -> None:
    """With one place to look at, attention finds it: `nn.GRU` over the words' vectors with the same behind each."""
    torch.manual_seed(0)
    ours = gru.Config(width=8, embed=6, attend=5).build(memory=10, speller=Numbers(7)).double().eval()
    theirs = nn.GRU(18, 8, batch_first=True, dtype=torch.float64)
    theirs.load_state_dict({f"{name}_l0": value for name, value in ours.cell.state_dict().items()})
    memory = Memory(torch.randn(3, 1, 10, dtype=torch.float64), torch.tensor([1, 1, 1]))
    words = torch.randint(7, (3, 5))
    place = memory.places.expand(-1, 5, -1)
    found, _ = theirs(torch.cat([ours.embed(words), ours.found(place), ours.whole(place)], dim=2))
    torch.testing.assert_close(ours(memory, words), ours.classify(found))


def test_attention_looks_at_what_fits() -> None:
    """A key that answers the query gets all the weight."""
    ours = gru.Config(width=2, embed=2, attend=3).build(memory=3, speller=Numbers(7)).double().eval()
    with torch.no_grad():
        ours.attend.copy_(torch.tensor([500.0, 0.0, 0.0]))
        ours.attend_heard.weight.copy_(torch.eye(3))
        ours.attend_heard.bias.zero_()
        ours.attend_state.weight.zero_()
    places = torch.tensor([[[0.0, 1.0, 2.0], [1.0, 4.0, 5.0], [2.0, 7.0, 8.0]]], dtype=torch.float64)
    memory = Memory(places, torch.tensor([2]))  # the third is padding
    seen: list[Tensor] = []
    ours.found.register_forward_hook(lambda _module, given, _made: seen.append(given[0]))
    ours(memory, torch.tensor([[1]]))
    torch.testing.assert_close(seen[0], places[:, 1])


@pytest.mark.parametrize(
    ("decoder", "millions"),
    [(transformer.Config(layers=2), 10.4), (transformer.Config(layers=4), 12.5), (gru.Config(), 14.6)],
)
def test_sizes_of_the_report(decoder: Any, millions: float) -> None:
    """Xu et al. 2022, table 1: over CNN14's 2,048 numbers, with the 4,368 words of their code."""
    with torch.device("meta"):
        encoder = bigru.Config().build(heard=2048)
        made = Network(encoder, decoder.build(memory=encoder.dim, speller=Numbers(4368)))
    assert round(sum(p.numel() for p in made.parameters()) / 1e6, 1) == millions


def test_memory_of_padded_rows() -> None:
    memory = Memory(torch.arange(12.0).reshape(2, 3, 2), torch.tensor([3, 1]))
    assert memory.real().tolist() == [[True, True, True], [True, False, False]]
    assert memory.mean().tolist() == [[2.0, 3.0], [6.0, 7.0]]


def test_average_in_closed_form() -> None:
    class Says:
        def __init__(self, likely: list[float]) -> None:
            self.likely = torch.tensor([likely], dtype=torch.float64)

        def first(self) -> Tensor:
            return self.likely.log()

        def step(self, words: Tensor, rows: Tensor) -> Tensor:
            return self.likely.log()[rows]

    pair = [Says([0.5, 0.3, 0.2]), Says([0.1, 0.1, 0.8])]
    torch.testing.assert_close(Averaged(pair).first().exp(), torch.tensor([[0.3, 0.2, 0.5]], dtype=torch.float64))
    roots = torch.tensor([[0.05, 0.03, 0.16]], dtype=torch.float64).sqrt()
    torch.testing.assert_close(Averaged(pair, how="logs").first().exp(), roots / roots.sum())
