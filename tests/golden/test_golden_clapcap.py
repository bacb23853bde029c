"""`clapcap_weights_2023.pth` in its published wrapping as a captioner of hark, against the original: `cap_*`."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_golden_msclap import recipe as ears_recipe
from test_golden_msclap import wave
from tokenizers import Tokenizer, models
from typer.testing import CliRunner

from hark.caption import file
from hark.caption.captioner import Captioner
from hark.checkpoints import obtain
from hark.checkpoints.rows import find
from hark.cli.models import app
from hark.core.errors import WeightsError

pytestmark = pytest.mark.golden

NAME = "tests/clapcap-2023"

ROW = """
[[checkpoint]]
name = "{name}"
about = "the golden one"
tower = "HTSAT + mapper + GPT-2"
licence = "MIT"
captioner = "tests/clapcap"
family = "msclap"
rate_hz = {rate_hz}
dim = {dim}
file = "clapcap_golden.pth"
"""

CAPTIONER = """
about = "CLAPCAP, sizes of the golden numbers."
ears = {{ model = "tests/ears", take = "vector" }}
words = {{ name = "gpt2", end = "{end}" }}
encoder = {encoder}
decoder = {{ name = "gpt2", model = "nowhere", network = {network} }}
decoding = {{ beams = {beams}, steps = {steps}, power = 1.0, finished = "stay" }}
"""


@pytest.fixture(scope="module")
def g(golden: Any) -> Any:
    return golden("ms_clap_2023")


@pytest.fixture(scope="module")
def converted(g: Any, toml: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published file, converted by `hark models convert`, with a tokenizer of one word a number."""
    folder = tmp_path_factory.mktemp("clapcap")
    said, sizes = g.about["clapcap"], g.about["gpt2_config"]
    beams, steps = re.findall(r"beam_size=(\d+), entry_length=(\d+)", g.about["arrays"]["cap_beam_ids"]["what"])[0]
    encoder = {
        "name": "mapper", "width": sizes["n_embd"], "tokens": said["prefix_length_clip"],
        "prefix": said["prefix_length"], "layers": said["num_layers"], "heads": said["num_heads"],
        "normalise": said["normalize_prefix"],
    }  # fmt: skip
    stop = int(g["cap_stop_id"])
    own = folder / "own"
    for kind in ("recipes/tests", "captioners/tests", "checkpoints"):
        (own / kind).mkdir(parents=True)
    (own / "recipes/tests/ears.toml").write_text(ears_recipe(g, toml, pooling=None, sizes="htsat_"))
    text = CAPTIONER.format(end=f"w{stop}", encoder=toml(encoder), network=toml(sizes), beams=beams, steps=steps)
    (own / "captioners/tests/clapcap.toml").write_text(text)
    made = g.about["constructor"]
    row = ROW.format(name=NAME, rate_hz=made["sample_rate"], dim=made["d_proj"])
    (own / "checkpoints/tests.toml").write_text(row)
    words = {f"w{number}": number for number in range(sizes["vocab_size"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="w0"))
    (folder / "tokenizer.json").write_text(tokenizer.to_str())
    shutil.copy(g.checkpoint("clapcap"), folder / "clapcap_golden.pth")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARK_PLUGINS", str(own))
        words_ = ["convert", str(folder / "clapcap_golden.pth"), "--to", str(folder / "made")]
        done = CliRunner().invoke(app, [*words_, "--tokenizer", str(folder / "tokenizer.json")])
        assert done.exit_code == 0, (done.output, done.exception)
        with pytest.raises(WeightsError, match=f"hark caption --model {NAME}"):
            obtain.obtain_file(folder / "clapcap_golden.pth")
        with pytest.raises(WeightsError, match="nowhere to fetch it from"):
            file.load(NAME)
        assert find(NAME).captioner == "tests/clapcap"
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def captioner(converted: Path) -> Captioner:
    return file.load(str(converted))


def unit(g: Any) -> list[np.ndarray]:
    """The given vectors as what is heard of so many sounds."""
    vectors = g["cap_prefix_in"]
    return [row[None] / np.linalg.norm(row) for row in vectors]


def test_the_file_is_a_captioner_whole(converted: Path, captioner: Captioner) -> None:
    assert converted.name == f"{NAME.replace('/', '-')}.safetensors"
    assert file.is_captioner(converted)
    assert captioner.name == "tests/clapcap"
    assert captioner.ears.take == "vector"


def test_the_mapper_makes_the_prefix(g: Any, captioner: Captioner, near: Any) -> None:
    (network,) = captioner.networks
    heard = torch.from_numpy(np.stack(unit(g)))
    memory = network.memory(heard, torch.ones(len(heard), dtype=torch.long))
    near(memory.places, g["cap_mapper_out"])


def test_gpt2_goes_on_from_it(g: Any, captioner: Captioner, near: Any) -> None:
    (network,) = captioner.networks
    heard, tokens = torch.from_numpy(np.stack(unit(g))), g.tensor("cap_tokens")
    lengths = torch.ones(len(heard), dtype=torch.long)
    words = torch.cat([torch.zeros_like(tokens[:, :1]), tokens], dim=1)
    near(network(heard, lengths, words), g["cap_logits"])
    near(network(heard, lengths, words[:, :1])[:, 0], g["cap_first_logits"])
    first = captioner.stepper(unit(g)).first()
    near(first, g.tensor("cap_first_logits").log_softmax(dim=-1))


def test_the_captions_are_the_originals(g: Any, captioner: Captioner) -> None:
    """As the recipe decodes; the stop word, a word before it, and the sentence that they make."""
    wanted = [[[word for word in row if word >= 0] for row in rows] for rows in g["cap_beam_ids"].tolist()]
    found = captioner.decode(unit(g))
    assert found.lists() == wanted
    assert captioner.stop == int(g["cap_stop_id"])
    for rows, said in zip(wanted, captioner.said(found), strict=True):
        for row, one in zip(rows, said, strict=True):
            upto = row[: row.index(captioner.stop)] if captioner.stop in row else row
            assert one.text.split() == " ".join(f"w{word}" for word in upto).capitalize().split()


def test_it_hears_with_ears_of_its_own(g: Any, captioner: Captioner, near: Any) -> None:
    """A window at the published rate; our vector is theirs at unit length."""
    sound = wave(g, "exact")[0].numpy()
    heard = captioner.hear((sound, captioner.rate_hz))
    theirs = g["cap_audio_embedding_exact"]
    near(heard, theirs / np.linalg.norm(theirs, axis=1, keepdims=True))
    (network,) = captioner.networks
    memory = network.memory(torch.from_numpy(heard)[None], torch.ones(1, dtype=torch.long))
    near(memory.places, g["cap_mapper_from_audio_exact"])


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda made: made.pop("clap_project.prefix_const"), "tensor 'encoder.mapper.prefix_const' is missing"),
        (lambda made: made.update({"gpt.lm_head.weight": made["gpt.lm_head.weight"] + 1}), "by another table"),
        (lambda made: made.update({"clap.other": torch.zeros(2)}), "'clap.other' has no place"),
        (lambda made: made.update({"gpt.other": torch.zeros(2)}), "'decoder.other' has no place"),
    ],
)
def test_every_tensor_must_fit(g: Any, converted: Path, tmp_path: Path, change: Any, wrong: str) -> None:
    content = torch.load(g.checkpoint("clapcap"), weights_only=True)
    change(content["model"])
    torch.save(content, tmp_path / "clapcap_golden.pth")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARK_PLUGINS", str(converted.parent.parent / "own"))
        words = ["convert", str(tmp_path / "clapcap_golden.pth"), "--to", str(tmp_path)]
        done = CliRunner().invoke(app, [*words, "--tokenizer", str(converted.parent.parent / "tokenizer.json")])
    assert isinstance(done.exception, WeightsError)
    assert wrong in str(done.exception)
