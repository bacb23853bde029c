"""Captions as numbers of words, and back."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from hark.core.errors import DataError
from hark.text.ptb import tokenise
from hark.text.spelling.words import Config

CAPTIONS = ["A dog barks.", "A dog's bark, twice!", "the dog doesn't bark"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A dog's bark, then it stops.", "a dog 's bark then it stops"),  # the Penn Treebank's rules, by hand
        ("I can't and don't; it's low-pitched", "i ca n't and do n't it 's low-pitched"),
        ("You cannot hear 'it'", "you can not hear it"),
        ("", ""),
    ],
)
def test_words_as_the_treebank_cuts_them(text: str, words: str) -> None:
    assert " ".join(tokenise(text)) == words


def test_there_and_back() -> None:
    speller = Config().build(captions=CAPTIONS)
    for caption in CAPTIONS:
        ids = speller.encode(caption)
        assert ids[-1] == speller.stop
        assert speller.decode(ids) == " ".join(tokenise(caption))
    assert speller.encode("a whale barks")[1] == speller.unknown
    assert speller.decode([4, speller.stop, 5]) == speller.words[4]


def test_rare_words_are_left_out_and_order_is_by_frequency() -> None:
    assert Config(least=2).build(captions=CAPTIONS).words[4:] == ("dog", "a", "bark")
    assert Config().build(captions=reversed(CAPTIONS)) == Config().build(captions=CAPTIONS)
    with pytest.raises(DataError, match="no word"):
        Config(least=9).build(captions=CAPTIONS)


def test_comes_back_from_its_assets() -> None:
    speller = Config().build(captions=CAPTIONS)
    assert Config().build(assets=speller.assets()) == speller


CLOTHO = (
    Path(os.environ.get("HARK_CAPTIONS", Path(__file__).parents[3] / "shared" / "captions"))
    / "clotho_captions_development.csv"
)


@pytest.mark.skipif(not CLOTHO.is_file(), reason=f"no {CLOTHO}; HARK_CAPTIONS names its folder")
def test_words_of_clotho() -> None:
    """4,368 is the `vocab_size` of SJTU's configurations, made with the Treebank's own tokenizer (a Java program)."""
    with CLOTHO.open(encoding="utf-8") as file:
        captions = [row[f"caption_{n}"] for row in csv.DictReader(file) for n in range(1, 6)]
    assert Config().build(captions=captions).size == 4368
