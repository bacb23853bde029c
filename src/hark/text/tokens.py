"""Sentences to token numbers: one fast tokenizer, kept as text so that it travels inside a model's file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer


class Tokens:
    """A tokenizer from the JSON that Hugging Face's `tokenizers` writes."""

    def __init__(self, tokenizer_json: str, *, max_tokens: int) -> None:
        self.json = tokenizer_json
        self._tokenizer = Tokenizer.from_str(tokenizer_json)
        self._tokenizer.enable_truncation(max_length=max_tokens)
        self._tokenizer.no_padding()
        self.vocabulary: int = self._tokenizer.get_vocab_size()

    def entries(self) -> dict[str, int]:
        """The number of every entry of the vocabulary."""
        return dict(self._tokenizer.get_vocab())

    def encode(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Token numbers (n, longest) and a mask that is true on real tokens; short rows end in zeros."""
        rows = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        longest = max(1, *map(len, rows)) if rows else 1
        ids = np.zeros((len(rows), longest), dtype=np.int64)
        mask = np.zeros((len(rows), longest), dtype=np.bool_)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
            mask[i, : len(row)] = True
        return ids, mask
