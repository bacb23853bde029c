"""What the miniature's towers start from: small tokenizers, a frozen sentence encoder, a tagger and its tags' names."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from benchmarks.miniature import corpora
from hark.core.files import write_text
from hark.models import weights
from hark.train.distil import PACKAGED, teacher_folder

VOCABULARY = 1000


def tokenizers(data: Path, towers: Path) -> None:
    """Writes one small tokenizer for each kind of text network, learned from the labels and titles of the sounds."""
    with (data / "sounds" / "metadata.csv").open(encoding="utf-8", newline="") as file:
        said = [row[column] for row in csv.DictReader(file) for column in ("label", "title") if row[column]]
    texts = [*said, *(template.format(label="dog") for template in corpora.SAY)]
    made = {
        "bert": _wordpiece(texts),
        "roberta": _bytes(texts, first=["<s>", "<pad>", "</s>", "<unk>", "<mask>"], around=("<s>", "</s>")),
        "gpt2": _bytes(texts, last=["<|endoftext|>"]),
        "clip_text_model": _bytes(
            texts, last=["<pad>", "<|startoftext|>", "<|endoftext|>"], around=("<|startoftext|>", "<|endoftext|>")
        ),
    }
    for kind, tokenizer in made.items():
        (towers / kind).mkdir(parents=True, exist_ok=True)
        write_text(towers / kind / "tokenizer.json", tokenizer)
    link = towers / "minilm"
    if not link.exists():
        link.symlink_to(teacher_folder(PACKAGED), target_is_directory=True)


def _wordpiece(texts: Sequence[str]) -> str:
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    made.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=special))
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return str(made.to_str())


def _bytes(
    texts: Sequence[str], *, first: Sequence[str] = (), last: Sequence[str] = (), around: tuple[str, str] | None = None
) -> str:
    """Byte pairs; `first` are the first numbers of the vocabulary, `last` the last, as the published ones have them."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(last),
        special_tokens=list(first),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    known = json.loads(made.to_str())
    if last:
        assert made.get_vocab_size() == VOCABULARY - len(last), made.get_vocab_size()
        made.add_special_tokens(list(last))
        known = json.loads(made.to_str())
    again = Tokenizer.from_str(json.dumps(known))
    if around is not None:
        ends = [(name, again.token_to_id(name)) for name in around]
        again.post_processor = processors.TemplateProcessing(single=f"{around[0]} $A {around[1]}", special_tokens=ends)
    return str(again.to_str())


def tagger(run: Path, towers: Path) -> None:
    """Makes a tagger of what a stage of labels left: its layer goes into the encoder's own; names go to a table."""
    saved = weights.open_file(run / "model.safetensors")
    (file,) = run.glob("tasks-*.safetensors")
    with safe_open(file, framework="pt") as opened:
        layer = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - it is no mapping
        (names,) = json.loads(opened.metadata()["classes"]).values()
    ((weight,), (bias,)) = ([t for n, t in layer.items() if n.endswith(end)] for end in ("weight", "bias"))
    tensors: dict[str, Any] = dict(saved.tensors)
    own, own_bias = (tensors[f"audio_encoder.tagger.1.{kind}"] for kind in ("weight", "bias"))
    assert len(names) == len(own), (len(names), own.shape)
    tensors["audio_encoder.tagger.1.weight"] = torch.as_tensor(weight @ own)
    tensors["audio_encoder.tagger.1.bias"] = torch.as_tensor(weight @ own_bias + bias)
    weights.save(
        towers / "passt.safetensors",
        weights.Saved(tensors, saved.recipe_name, saved.recipe, saved.assets, saved.made_by),
    )
    rows = ["index,mid,display_name", *(f"{number},/m/{number},{name}" for number, name in enumerate(names))]
    write_text(towers / "tags.csv", "\n".join(rows) + "\n")
