"""MS-CLAP's captioner in miniature: only its mapper learns, and GPT-2 says what transformers makes it say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_captioner
import small_gpt2
import torch
from safetensors.torch import load_file
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPT2Model,
    PreTrainedTokenizerFast,
    get_linear_schedule_with_warmup,
)

from hark.caption import file
from hark.core.errors import SettingError, WeightsError
from hark.models.captioning.decoders import gpt2
from hark.models.captioning.encoders import mapper
from hark.models.captioning.network import Network
from hark.recipe import captioner as captioners
from hark.recipe.captioner import CaptionRecipe
from hark.recipe.stage import Stage
from hark.text.spelling.gpt2 import Config as Spelling
from hark.train.optim import Rate

VECTORS, WIDTH = 6, small_gpt2.SIZES["n_embd"]


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_gpt2.save(tmp_path_factory.mktemp("gpt2"))


def recipe(language: Path, folder: Path, *, changes: tuple[str, ...] = ()) -> CaptionRecipe:
    """The recipe, its sounds being those of the other small captioners."""

    def corpus(place: str, count: int, seed: int) -> str:
        text = small_captioner.SYNTH.replace("PLACE", str(folder / place)).replace("COUNT", str(count))
        return text.replace("SEED", str(seed))

    text = small_gpt2.RECIPE.replace("GPT2", str(language)).replace("CORPUS", corpus("learnt", 6, 0))
    sizes = ", ".join(f"{name} = {size}" for name, size in small_gpt2.SIZES.items())
    path = folder / "clapcap.toml"
    path.write_text(text.replace("VALID", corpus("valid", 4, 1)).replace("SIZES", sizes))
    return captioners.load(str(path), changes=changes)


def network(language: Path, *, seed: int = 0) -> Network:
    torch.manual_seed(seed)
    encoder = mapper.Config(width=WIDTH, tokens=3, prefix=4, layers=2, heads=2).build(heard=VECTORS)
    speller = Spelling(str(language)).build()
    decoder = gpt2.Config(str(language), network=small_gpt2.SIZES).build(memory=encoder.dim, speller=speller)
    decoder.begin()
    return Network(encoder, decoder).eval()


def test_only_the_mapper_learns(language: Path, sounds: Path, tmp_path: Path) -> None:
    made = recipe(language, sounds)
    small_captioner.train(made, tmp_path)
    history = [json.loads(line)["loss"] for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert np.mean(history[-3:]) < np.mean(history[:3]) - 0.5
    trained = load_file(tmp_path / "model.safetensors")
    published = GPT2Model.from_pretrained(language).state_dict()
    decoder = {name: tensor for name, tensor in trained.items() if name.startswith("voices.0.decoder.")}
    assert {name.removeprefix("voices.0.decoder.transformer.") for name in decoder} == set(published)
    for name, tensor in published.items():
        assert torch.equal(trained[f"voices.0.decoder.transformer.{name}"], tensor), name
    torch.manual_seed(made.stages[0].seed)
    ears = file.load(str(tmp_path)).ears
    first = made.build(heard=ears.dim, speller=made.speller(captions=[])).encoder.state_dict()
    for name, tensor in first.items():
        assert not torch.equal(trained[f"voices.0.encoder.{name}"], tensor), name
    said = file.load(str(tmp_path)).describe([(np.sin(np.arange(16000) / 5).astype(np.float32), 16000)], each=2)
    assert [len(each) for each in said] == [2]


def test_a_stopped_run_does_not_begin_anew(language: Path, sounds: Path, tmp_path: Path) -> None:
    made = recipe(language, sounds, changes=("stages.words.epochs=2",))
    for place, cuts in (("whole", [None]), ("cut", [2, None])):
        for cut in cuts:
            small_captioner.train(made, tmp_path / place, stop_after=cut)
    whole, cut = (tmp_path / place / "model.safetensors" for place in ("whole", "cut"))
    assert whole.read_bytes() == cut.read_bytes()


def test_it_says_what_transformers_makes_gpt2_say(language: Path) -> None:
    made = network(language)
    vectors = torch.randn(3, 1, VECTORS, generator=torch.Generator().manual_seed(1))
    words = torch.randint(300, (3, 7), generator=torch.Generator().manual_seed(2))
    lengths = torch.ones(3, dtype=torch.long)
    theirs = GPT2LMHeadModel.from_pretrained(language).eval()
    with torch.inference_mode():
        prefix = made.encoder.mapper(vectors[:, 0])
        embedded = torch.cat([prefix, theirs.transformer.wte(words[:, 1:])], dim=1)
        wanted = theirs(inputs_embeds=embedded).logits[:, prefix.shape[1] - 1 :]
        found = made(vectors, lengths, words)
        torch.testing.assert_close(found, wanted)
        stepper, every = made.stepper(made.memory(vectors, lengths)), torch.arange(3)
        torch.testing.assert_close(stepper.first(), wanted[:, 0].log_softmax(dim=-1))
        for place in range(1, 7):
            step = stepper.step(words[:, place], every)
            torch.testing.assert_close(step, wanted[:, place].log_softmax(dim=-1))


def test_what_is_frozen_drops_nothing_while_the_rest_trains(language: Path) -> None:
    made = network(language).train()
    assert made.encoder.training
    assert not any(part.training for part in made.decoder.modules())
    learning = [name for name, parameter in made.named_parameters() if parameter.requires_grad]
    assert learning
    assert all(name.startswith("encoder.") for name in learning)


def test_the_prefix_is_of_the_mean_vector(language: Path) -> None:
    made = network(language)
    vectors = torch.randn(2, 3, VECTORS)
    memory = made.memory(vectors, torch.tensor([3, 2]))
    assert (memory.places.shape, memory.lengths.tolist()) == ((2, 4, WIDTH), [4, 4])
    torch.testing.assert_close(memory.places[1], made.encoder.mapper(vectors[1:, :2].mean(dim=1))[0])


def test_captions_are_cut_as_transformers_cuts_them(language: Path) -> None:
    speller = Spelling(str(language)).build()
    theirs: Any = PreTrainedTokenizerFast(tokenizer_file=str(language / "tokenizer.json"))
    for text in [*small_gpt2.SAID, "Ein Hund bellt; 12 Mal, naïve ☂!"]:
        ids = speller.encode(f" {text.replace(' ', '  ')} ")
        whole = theirs.encode(text + " <|endoftext|>")
        assert ids == whole[: len(ids)]
        assert len(whole) == len(ids) + 1  # a blank and the mark; the caption ends with the blank
        marked = Spelling(str(language), end="<|endoftext|>", capitalise=False).build()
        assert marked.encode(text) == theirs.encode(text + "<|endoftext|>")
        assert marked.decode([*marked.encode(text), 5, 6]) == text
    assert speller.stop == theirs.encode(" <|endoftext|>")[0]
    capital = Spelling(str(language), end="<|endoftext|>").build()
    assert capital.decode(capital.encode("a DOG barks")) == "A dog barks"
    again = Spelling("nowhere").build(assets=speller.assets())
    assert (again.size, again.stop, again.encode("rain")) == (speller.size, speller.stop, speller.encode("rain"))
    short = Spelling(str(language), most=3).build().encode("the sound of a siren")
    assert len(short) == 3
    assert short[-1] == speller.stop


def test_the_recipe_is_the_published_captioner() -> None:
    """Sizes of `clapcap` in microsoft/CLAP; scores of table 2 of arXiv:2309.05767v2."""
    made = captioners.load("msclap-2023/clapcap")
    assert made.published["spider_clotho"] == 0.271
    assert made.published["spider_audiocaps"] == 0.455
    assert (made.decoding.beams, made.decoding.steps, made.decoding.finished) == (5, 67, "stay")
    assert made.ears.take == "vector"
    with torch.device("meta"):
        encoder = mapper.Config(**{k: v for k, v in made.encoder.items() if k != "name"}).build(heard=1024)
        decoder = GPT2LMHeadModel(GPT2Config(**made.decoder["network"]))
    width, tokens = 768, 40
    layer = 4 * width + width * width * 3 + (width * width + width) + 2 * (2 * width * width) + 3 * width
    wanted = 1024 * tokens * width + tokens * width + tokens * width + 8 * layer
    assert sum(p.numel() for p in encoder.parameters()) == wanted
    assert sum(p.numel() for p in decoder.parameters()) == 124_439_808  # GPT-2 small, as published


def test_the_line_is_transformers_schedule() -> None:
    stage = Stage("words", lr=0.2, steps=30, warmup=7, schedule={"name": "linear"})
    ours = Rate(stage)
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.2)
    theirs = get_linear_schedule_with_warmup(optimiser, num_warmup_steps=7, num_training_steps=30)
    for step in range(30):
        if step >= 7:  # in the warm-up theirs is a step behind: it begins with a rate of 0
            assert ours(step) == pytest.approx(optimiser.param_groups[0]["lr"])
        optimiser.step()
        theirs.step()


@pytest.mark.parametrize(
    ("change", "error", "wrong"),
    [
        ("encoder.width=8", SettingError, "words have 16 numbers, the encoder's places 8"),
        ("encoder.heads=3", SettingError, "which 3 heads cannot share"),
        ("decoder.network.vocab_size=40", SettingError, "knows 40 words, its speller"),
        ("decoder.network.n_layer=1", WeightsError, "cannot be loaded"),
        ("decoder.model='/nowhere'", WeightsError, "'/nowhere' cannot be loaded"),
        ("words.model='/nowhere'", WeightsError, "tokenizer of '/nowhere' cannot be loaded"),
        ("words.most=1", SettingError, "a word and the end"),
        ("words.end=''", SettingError, "nothing to the tokenizer"),
    ],
)
def test_mistakes_are_named(
    language: Path, sounds: Path, tmp_path: Path, change: str, error: type[Exception], wrong: str
) -> None:
    with pytest.raises(error, match=wrong) as caught:
        small_captioner.train(recipe(language, sounds, changes=(change,)), tmp_path)
    assert "\n" not in str(caught.value)


def test_no_more_words_than_places(language: Path) -> None:
    made = network(language)
    memory = made.memory(torch.randn(1, 1, VECTORS), torch.ones(1, dtype=torch.long))
    most = small_gpt2.SIZES["n_positions"] - 4 + 1
    assert made.decoder(memory, torch.zeros(1, most, dtype=torch.long)).shape == (1, most, 300)
    with pytest.raises(SettingError, match=f"at most {most} words"):
        made.decoder(memory, torch.zeros(1, most + 1, dtype=torch.long))
