"""Makes a subword vocabulary for the static text tower: whole words, and learned pieces to spell the rest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
UNKNOWN = "[UNK]"


def words_of(texts: Iterable[str]) -> Counter[str]:
    """How often each lower-case word occurs."""
    return Counter(word for text in texts for word in WORD.findall(text.lower()))


def make_vocabulary(texts: Sequence[str], *, words: Iterable[str], size: int) -> str:
    """A WordPiece tokenizer of at most `size` entries (more only where the letters alone are more), as JSON.

    The `words` come first, in their order, as far as there is room; a quarter of the table is kept for pieces learned
    from `texts`, with which any other word is spelled.
    """
    pieces = _learn_pieces(texts, size=size // 4)
    whole = [word for word in dict.fromkeys(words) if word not in pieces][: max(0, size - len(pieces))]
    entries = [*pieces, *whole]
    return _tokenizer({entry: i for i, entry in enumerate(entries)}).to_str()


def _learn_pieces(texts: Sequence[str], *, size: int) -> dict[str, None]:
    tokenizer = _tokenizer({UNKNOWN: 0})
    # The trainer numbers "##" letters in the order of a hash map and breaks ties by number, so another process learns
    # other pieces; numbered beforehand, they are the same everywhere.
    letters = sorted({letter for text in texts for letter in text.lower() if not letter.isspace()})
    first = [UNKNOWN, *letters, *(f"##{letter}" for letter in letters)]
    if size <= len(first):
        return dict.fromkeys(first)  # every letter, whatever the size: any word can be spelled
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=first, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    found = tokenizer.get_vocab()
    return dict.fromkeys(sorted(found, key=lambda entry: (int(found[entry]), entry)))


def _tokenizer(vocabulary: dict[str, int]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=UNKNOWN, max_input_chars_per_word=40))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer
