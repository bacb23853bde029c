"""The pieces of words of a byte-level tokenizer, GPT-2's: captions as they are written, no word unknown.

A caption ends where MS-CLAP's does: at the first piece of `end`. GPT-2 cuts " <|endoftext|>" in two, a blank and the
mark, and the original's search stops at the first of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from hark.core.errors import SettingError, WeightsError
from hark.core.fetch import offline

ASSET = "tokenizer"


@dataclass(frozen=True)
class Config:
    """`model` is whose tokenizer it is: a name on the hub, a folder with a tokenizer.json, or such a file.

    Of a caption at most `most` pieces are learned, its end included. `capitalise` writes what is said with a great
    first letter and small ones, as the original does.
    """

    model: str = "openai-community/gpt2"
    end: str = " <|endoftext|>"
    most: int = 77
    capitalise: bool = True

    def __post_init__(self) -> None:
        if self.most < 2:
            raise ValueError(f"most is {self.most}; give 2 or more, a word and the end")

    def build(self, *, captions: Iterable[str] | None = None, assets: Mapping[str, str] | None = None) -> Pieces:
        """The tokenizer of `assets`, or of `model`; the captions do not matter.

        Raises WeightsError where it cannot be had, SettingError where it has no `end`.
        """
        del captions
        return Pieces(self, tokenizer(self.model) if assets is None else assets[ASSET])


class Pieces:
    """The pieces by number. The padding is number 0, as in the original ("!" in GPT-2); no start is needed."""

    pad = 0

    def __init__(self, config: Config, tokenizer_json: str) -> None:
        self.config = config
        try:
            self._tokenizer: Any = Tokenizer.from_str(tokenizer_json)
        except Exception as error:  # `tokenizers` raises nothing narrower
            raise WeightsError(f"words: the tokenizer of '{config.model}' cannot be read ({error})") from None
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._json = tokenizer_json
        self.size: int = self._tokenizer.get_vocab_size()
        ids = self._ids(config.end)
        if not ids:
            raise SettingError(
                f"words: end: '{config.end}' is nothing to the tokenizer; give what stands behind a caption"
            )
        self.stop: int = ids[0]
        self.start: int = self.stop

    def encode(self, text: str) -> list[int]:
        """A caption's pieces, `stop` behind them; of blanks one stands between words, as a second could be the end."""
        return [*self._ids(" ".join(text.split()))[: self.config.most - 1], self.stop]

    def decode(self, ids: Sequence[int]) -> str:
        """The pieces up to the first `stop` as a sentence."""
        upto = list(ids).index(self.stop) if self.stop in ids else len(ids)
        said: str = self._tokenizer.decode(list(ids[:upto])).strip()
        return said.capitalize() if self.config.capitalise else said

    def assets(self) -> dict[str, str]:
        """The tokenizer as JSON."""
        return {ASSET: self._json}

    def _ids(self, text: str) -> list[int]:
        found: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return found


def tokenizer(model: str) -> str:
    """The JSON of a tokenizer: of a file or folder, or by its name on the hub.

    Raises WeightsError.
    """
    path = Path(model).expanduser()
    try:
        if path.is_dir():
            path = path / "tokenizer.json"
        if path.suffix == ".json":
            return path.read_text(encoding="utf-8")
        from transformers import AutoTokenizer

        found = AutoTokenizer.from_pretrained(model, use_fast=True, trust_remote_code=False, local_files_only=offline())
        made: str = found.backend_tokenizer.to_str()
        return made
    except (OSError, ValueError, AttributeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WeightsError(
            f"the tokenizer of '{model}' cannot be loaded ({reason}); connect to a network once, or give its folder"
        ) from None
