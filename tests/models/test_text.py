"""The text towers against transformers' own classes and the laws of their input."""

from math import erf
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel, BertTokenizerFast, GPT2Config, GPT2Model, PreTrainedTokenizerFast

from hark.core.errors import WeightsError
from hark.models.text.static import Config as Static
from hark.models.text.transformer import Config as Transformer
from hark.text.vocabulary import make_vocabulary

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "dog", "barks", "then", "rain", "falls", "softly"]
TEXTS = ["a dog barks", "rain", "a dog barks then rain falls softly"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random BERT as `save_pretrained` writes it."""
    folder = tmp_path_factory.mktemp("bert")
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    BertModel(config, add_pooling_layer=True).eval().save_pretrained(folder)
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_bert_pools_as_transformers_says(bert: Path, pooling: str) -> None:
    tower = Transformer(model=str(bert), pooling=pooling).build(assets=None).eval()  # type: ignore[arg-type]
    theirs = BertModel.from_pretrained(bert).eval()
    tokenizer = BertTokenizerFast.from_pretrained(bert)
    with torch.inference_mode():
        ids, mask = (torch.from_numpy(a) for a in tower.tokens.encode(TEXTS))
        ours = tower(ids, mask)
        for i, text in enumerate(TEXTS):  # one at a time: no padding at all on their side
            hidden = theirs(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
            wanted = hidden[0] if pooling == "cls" else hidden.mean(dim=0)
            torch.testing.assert_close(ours[i], wanted, atol=1e-5, rtol=1e-5)


def test_gpt2_pools_the_last_real_token(tmp_path: Path) -> None:
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words).save_pretrained(tmp_path)
    torch.manual_seed(0)
    GPT2Model(GPT2Config(vocab_size=len(WORDS), n_embd=32, n_layer=2, n_head=2)).eval().save_pretrained(tmp_path)
    tower = Transformer(model=str(tmp_path), pooling="last").build(assets=None).eval()
    theirs = GPT2Model.from_pretrained(tmp_path).eval()
    with torch.inference_mode():
        ours = tower(*(torch.from_numpy(a) for a in tower.tokens.encode(TEXTS)))
        for i, text in enumerate(TEXTS):
            ids = torch.tensor([[WORDS.index(word) for word in text.split()]])
            torch.testing.assert_close(ours[i], theirs(input_ids=ids).last_hidden_state[0, -1], atol=1e-5, rtol=1e-5)


def test_a_transformer_is_rebuilt_from_its_assets(bert: Path) -> None:
    tower = Transformer(model=str(bert)).build(assets=None).eval()
    again = Transformer(model="anywhere/else").build(assets=tower.assets()).eval()
    again.load_state_dict(tower.state_dict(), strict=True)
    ids, mask = (torch.from_numpy(a) for a in again.tokens.encode(TEXTS))
    with torch.inference_mode():
        torch.testing.assert_close(again(ids, mask), tower(ids, mask))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"cannot be loaded .* give a folder"):
        Transformer(model=str(tmp_path)).build(assets=None)


def static(**settings: int) -> torch.nn.Module:
    torch.manual_seed(0)
    vocabulary = make_vocabulary(TEXTS, words=["dog", "rain", "barks"], size=80)
    return Static(**settings).build(assets={"tokenizer": vocabulary}).eval()  # type: ignore[arg-type]


def test_static_is_a_weighted_mean_and_an_mlp() -> None:
    tower = static(width=8, hidden=16, dim=12)
    torch.nn.init.normal_(tower.weight.weight)
    ids, mask = tower.tokens.encode(TEXTS)
    ours = tower(torch.from_numpy(ids), torch.from_numpy(mask)).detach().numpy()
    weights = {name: p.detach().double().numpy() for name, p in tower.named_parameters()}
    for row, real, made in zip(ids, mask, ours, strict=True):
        known = row[real]
        share = np.exp(weights["weight.weight"][known, 0])
        mean = (share / share.sum()) @ weights["table.weight"][known]
        inner = weights["widen.weight"] @ mean + weights["widen.bias"]
        gelu = np.array([0.5 * x * (1 + erf(x / 2**0.5)) for x in inner])
        wanted = weights["direct.weight"] @ mean + weights["narrow.weight"] @ gelu + weights["narrow.bias"]
        np.testing.assert_allclose(made, wanted, atol=1e-5)


def test_padding_and_company_change_nothing() -> None:
    tower = static(width=8, hidden=16, dim=12)
    together = tower(*(torch.from_numpy(a) for a in tower.tokens.encode(TEXTS)))
    alone = torch.cat([tower(*(torch.from_numpy(a) for a in tower.tokens.encode([text]))) for text in TEXTS])
    torch.testing.assert_close(together, alone)


def test_static_needs_a_vocabulary() -> None:
    with pytest.raises(WeightsError, match="no vocabulary of its own"):
        Static().build(assets=None)


def test_an_unknown_word_is_spelled_and_empty_text_is_a_vector() -> None:
    tower = static(width=8, hidden=16, dim=12)
    ids, mask = tower.tokens.encode(["barkings", ""])
    assert mask[0].sum() > 1
    assert torch.isfinite(tower(torch.from_numpy(ids), torch.from_numpy(mask))).all()
