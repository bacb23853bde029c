"""MS-CLAP 2023 and its captioner against the original implementation.

`cap_beam_*` and `cap_stop_id` are of the beam search: see test_golden_beams.
"""

import copy
import re
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from golden_files import named
from transformers import GPT2Config, GPT2LMHeadModel

from hark import recipe as recipes
from hark.audio.window import fit
from hark.core import component
from hark.models import weights
from hark.models.mapper import Config as Mapper
from hark.models.towers import Towers

pytestmark = pytest.mark.golden

HEARD = named("ms_clap_2023", "mel_(.+)")

RECIPE = """
about = "MS-CLAP 2023, sizes of the golden numbers."
dim = {dim}
audio = {audio}
"""


@pytest.fixture(scope="module")
def g(golden: Any) -> Any:
    return golden("ms_clap_2023")


@pytest.fixture(scope="module")
def towers(g: Any, toml: Any) -> Towers:
    return g.towers(recipe(g, toml, pooling="last"), family="msclap")


@pytest.fixture(scope="module")
def captioner(g: Any, toml: Any) -> dict[str, torch.Tensor]:
    table = component.config("models.renames", {"name": "msclap"}, where="test").build()
    content = torch.load(g.checkpoint("clapcap"), map_location="cpu", weights_only=True)
    return table.apply(content, where="clapcap")


@pytest.fixture(scope="module")
def mapper(g: Any, captioner: dict[str, torch.Tensor]) -> Any:
    said = g.about["clapcap"]
    mapper = Mapper(
        dim=said["prefix_size"],
        width=g.about["gpt2_config"]["n_embd"],
        heard=said["prefix_length_clip"],
        prefix=said["prefix_length"],
        layers=said["num_layers"],
        heads=said["num_heads"],
        normalise=said["normalize_prefix"],
    ).build()
    weights.fill(mapper, part(captioner, "mapper."), where="clapcap")
    return mapper.eval()


@pytest.fixture(scope="module")
def decoder(g: Any, captioner: dict[str, torch.Tensor]) -> GPT2LMHeadModel:
    decoder = GPT2LMHeadModel(GPT2Config(**g.about["gpt2_config"], bos_token_id=0, eos_token_id=0))
    weights.fill(decoder, part(captioner, "decoder."), where="clapcap")
    return decoder.eval()


def recipe(g: Any, toml: Any, *, pooling: str | None, sizes: str = "") -> str:
    """The recipe of the checkpoint, or without a text tower that of the captioner's ears (`sizes` "htsat_")."""
    made, ears = g.about["constructor"], g.about["htsat"]
    bank_hz, n_fft, hop, mels, low, high = map(int, re.findall(r"\d+", ears["front_end"].split(":")[1]))
    crop, step = map(
        int, re.findall(r"crops of (\d+) frames, hop (\d+)", g.about["arrays"]["latent_uncropped_long"]["what"])[0]
    )
    sized = g.about["clapcap"] if sizes else ears
    features = {"name": "logmel", "n_fft": n_fft, "hop": hop, "mels": mels, "f_min_hz": low, "f_max_hz": high}
    encoder = {
        "name": "htsat",
        "width": sized[f"{sizes}embed_dim"],
        "depths": sized[f"{sizes}depths"],
        "heads": sized[f"{sizes}num_heads"],
        "window": ears["window_size"],
        "size": ears["spec_size"],
        "classes": ears["num_classes"],
        "crop_frames": crop,
        "hop_frames": step,
    }
    window_s = samples(g) / made["sample_rate"]
    audio = {
        "rate_hz": made["sample_rate"],
        "window_s": window_s,
        "hop_s": window_s,
        "short": "repeat",
        "features": {**features, "bank_rate_hz": bank_hz},
        "encoder": encoder,
        "head": {"name": "residual"},
    }
    text = {
        "encoder": {
            "name": "transformer",
            "model": made["text_model"],
            "network": {"model_type": "gpt2", **g.about["gpt2_config"], "bos_token_id": 0, "eos_token_id": 0},
            "pooling": pooling,
        },
        "head": {"name": "residual"},
    }
    source = RECIPE.format(dim=made["d_proj"], audio=toml(audio))
    return source if pooling is None else f"{source}text = {toml(text)}\n"


def samples(g: Any) -> int:
    """The window: what a long sound is cut to."""
    return int(re.findall(r"(\d+)-sample crop", g.what("crop_start_long"))[0])


def part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def wave(g: Any, name: str) -> torch.Tensor:
    """The window that the original hears: its random crop, or the sound again and again; stereo one after the other."""
    heard = g.waves.get(name)
    if name == "stereo":
        spans = re.findall(r"\[(\d+):(\d+)\]", g.said.split("stereo")[1])
        heard = np.concatenate([g.pcm[int(a) : int(b)] for a, b in spans]).astype(np.float32) / 32768
    if name == "long":
        heard = heard[int(g["crop_start_long"]) :]
    return torch.from_numpy(fit(heard, samples(g), short="repeat"))[None]


@pytest.mark.parametrize("name", HEARD)
def test_a_sound_is_heard_as_the_original_hears_it(g: Any, towers: Towers, near: Any, name: str) -> None:
    # The original makes its FFT with a convolution; a 64-bit FFT is nearer to it than a 32-bit one (see LAION's test).
    precise = copy.deepcopy(towers.features).double()(wave(g, name))
    said = re.findall(r"frames \d*::(\d+)", g.about["arrays"][f"mel_{name}"]["what"])
    mel = precise[0, 0, :: int(said[0]) if said else 1].numpy()
    np.testing.assert_allclose(mel, g[f"mel_{name}"], atol=0.02, rtol=0)
    image = towers.features(wave(g, name))
    heard = towers.audio_encoder.hear(image)
    near(heard.embedding, g[f"latent_{name}"])
    near(heard.logits.sigmoid(), g[f"clipwise_{name}"])
    near(towers.audio_head(heard.embedding), g[f"audio_embedding_{name}"])


def test_a_sound_that_is_not_cropped_is_the_mean_of_its_stretches(g: Any, towers: Towers, near: Any) -> None:
    image = towers.features(torch.from_numpy(g.waves["long"])[None])
    assert image.shape[2] == int(g["frames_uncropped_long"])
    latent = towers.audio_encoder.hear(image).embedding
    near(latent, g["latent_uncropped_long"])
    near(towers.audio_head(latent), g["audio_embedding_uncropped_long"])


def test_sentences_are_read_as_the_original_reads_them(g: Any, towers: Towers, near: Any) -> None:
    ids, mask = g.tensor("text_input_ids"), g.tensor("text_attention_mask").bool()
    encoded = towers.text_encoder(ids, mask)
    near(encoded, g["text_last_hidden"])
    near(towers.text_head(encoded), g["text_embedding"])
    few = mask.sum(dim=1) < mask.sum(dim=1).max()  # rows that need no padding up to the longest
    ids, mask = ids[few], mask[few]
    longest = int(mask.sum(dim=1).max())
    near(towers.text_head(towers.text_encoder(ids[:, :longest], mask[:, :longest])), g["text_embedding"][few.numpy()])


def test_its_own_rule_takes_a_real_exclamation_mark_for_padding(g: Any, towers: Towers, toml: Any, near: Any) -> None:
    published = g.towers(recipe(g, toml, pooling="last-nonzero"), family="msclap")
    ids, mask = g.tensor("text_input_ids_with_zero"), g.tensor("text_attention_mask").bool()
    theirs = published.text_head(published.text_encoder(ids, mask))
    near(theirs, g["text_embedding_with_zero"])
    ours = towers.text_head(towers.text_encoder(ids, mask))
    changed = (ours - theirs).norm(dim=1) > 0.1
    assert changed.tolist() == (ids != g.tensor("text_input_ids")).any(dim=1).tolist()


def test_similarity(g: Any, towers: Towers, near: Any) -> None:
    names = re.findall(r"\(audio ([\w/]+)", g.what("similarity"))[0].split("/")
    heard = torch.cat([towers.audio(wave(g, name)) for name in names])
    read = towers.text(g.tensor("text_input_ids"), g.tensor("text_attention_mask").bool())
    near(towers.scale() * heard @ read.T, g["similarity"])


def test_the_captioner_puts_a_prefix_in_front_of_its_words(g: Any, mapper: Any, decoder: Any, near: Any) -> None:
    near(F.normalize(g.tensor("cap_prefix_in"), dim=-1), g["cap_prefix_normalised"])
    prefix = mapper(g.tensor("cap_prefix_in"))
    near(prefix, g["cap_mapper_out"])
    near(decoder(inputs_embeds=prefix).logits[:, -1], g["cap_first_logits"])
    words = decoder.transformer.wte(g.tensor("cap_tokens"))
    logits = decoder(inputs_embeds=torch.cat([prefix, words], dim=1)).logits
    near(logits[:, prefix.shape[1] - 1 :], g["cap_logits"])


def test_the_captioner_has_ears_of_its_own(
    g: Any, captioner: dict[str, torch.Tensor], mapper: Any, toml: Any, near: Any
) -> None:
    ears = recipes.parse(recipe(g, toml, pooling=None, sizes="htsat_"), name="clapcap").build()
    weights.fill(ears, {k: v for k, v in captioner.items() if k.startswith("audio_")}, where="clapcap")
    ears.eval()
    embedding = ears.audio_head(ears.hear(wave(g, "exact")).embedding)
    near(embedding, g["cap_audio_embedding_exact"])
    near(mapper(embedding), g["cap_mapper_from_audio_exact"])
