"""Keeps answers on disk, one file each, so that what was paid for once is not asked for again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hark.core.errors import DataError
from hark.core.files import write_text
from hark.text.rewrites.rewriter import distinct


class Kept:
    """Paraphrases by what was asked: `asked` holds the model, the prompt, n and the text, and whatever changes them.

    A file is written aside and renamed, so that a kill leaves it whole or away; one that is damaged is asked for again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, asked: Mapping[str, Any]) -> tuple[str, ...] | None:
        """What was answered, or None."""
        try:
            found = json.loads(self._file(asked).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(found, dict) or found.get("asked") != asked:
            return None
        said = found.get("paraphrases")
        if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
            return None
        return tuple(said) if len(said) == asked["n"] and distinct(said, text=asked["text"]) == said else None

    def put(self, asked: Mapping[str, Any], paraphrases: tuple[str, ...], **more: Any) -> None:
        """Keeps an answer; `more` (the tokens that it took) is for who reads the file.

        Raises DataError where it cannot be written.
        """
        file = self._file(asked)
        told = {"asked": asked, "paraphrases": paraphrases, **more}
        try:
            write_text(file, json.dumps(told, ensure_ascii=False, indent=1) + "\n")
        except OSError as error:
            raise DataError(f"{file}: cannot be written ({error.strerror}); give another cache folder") from None

    def _file(self, asked: Mapping[str, Any]) -> Path:
        name = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
        return self.folder / name[:2] / f"{name}.json"
