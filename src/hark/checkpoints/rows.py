"""The rows: every published checkpoint that hark knows, read from the .toml files beside this one and of plug-ins.

A file holds `[[checkpoint]]` tables; what stands above the first of them holds for all of its rows.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from hark.core.component import PACKAGE, plugin_folders
from hark.core.errors import SettingError
from hark.core.settings import read, suggest


@dataclass(frozen=True)
class Row:
    """A published checkpoint.

    `tower` says in words what it is, `recipe` names its architecture here and `family` its rename table. `address` is
    "hf:OWNER/NAME/FILE" (a file on the Hugging Face hub), "hf:OWNER/NAME" (a whole model there) or an https URL; where
    there is none the user must have the file, and `file` is what its authors call it. `dim` is the size of its
    embeddings. A captioner has the name of its recipe as `captioner` instead. `unread` says why hark cannot load it.
    A whole model on the hub says itself what it is, so it has no recipe; `config` is what stands in its config.json, as
    far as that is not transformers' default: the shape of its towers while it is not here. `beside` names the parts
    that a file leaves out because they were frozen, and whose they are: a checkpoint's name, "pretrained" (the text
    encoder's own model), or for "audio_head.tags" the address of AudioSet's class_labels_indices.csv.
    """

    name: str
    about: str
    tower: str
    licence: str
    rate_hz: int
    dim: int | None = None
    family: str | None = None
    recipe: str | None = None
    config: Mapping[str, Any] | None = None
    beside: Mapping[str, str] | None = None
    captioner: str | None = None
    address: str | None = None
    file: str | None = None
    sha256: str | None = None
    md5: str | None = None
    unread: str | None = None

    @property
    def file_name(self) -> str | None:
        """What the published file is called."""
        if self.file is not None or self.address is None:
            return self.file
        if self.address.startswith("hf:"):
            parts = self.address[3:].split("/", 2)
            return parts[2] if len(parts) == 3 else None
        return unquote(Path(urlsplit(self.address).path).name)


def rows() -> list[Row]:
    """All rows, sorted by name.

    Raises SettingError for a row that cannot be read.
    """
    folders = [root / "checkpoints" for root in (PACKAGE, *plugin_folders())]
    return sorted((row for folder in folders for row in _of_folder(folder)), key=lambda row: row.name)


def find(name: str) -> Row:
    """The row of that name, however it is spelt (`look`).

    Raises SettingError, with the nearest known name.
    """
    row = look(name)
    if row is None:
        raise SettingError(f"no checkpoint '{name}'; {suggest(name, [row.name for row in rows()])}")
    return row


def look(name: str) -> Row | None:
    """The row of that name, if there is one; capital letters, and "_" for "-", make no other name.

    So the hub's own names ("laion/larger_clap_general", "MIT/ast-finetuned-audioset-10-10-0.4593") are names here.
    """
    found = [row for row in rows() if _plain(row.name) == _plain(name)]
    return found[-1] if found else None  # a plug-in's stands behind ours


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def by_file(file_name: str) -> Row | None:
    """The row whose published file has that name, if there is exactly one."""
    found = [row for row in rows() if row.file_name == file_name]
    return found[0] if len(found) == 1 else None


@functools.cache
def _of_folder(folder: Path) -> tuple[Row, ...]:
    made: list[Row] = []
    for path in sorted(folder.glob("*.toml")):
        where = path.name
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
            raise SettingError(f"{path}: not TOML ({error})") from None
        entries = table.pop("checkpoint", [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise SettingError(f"{path}: checkpoint: write each as a table, [[checkpoint]]")
        for entry in entries:
            row = read(Row, {**table, **entry}, where=f"{where}: {entry.get('name', 'a checkpoint')}:")
            if any(row.name == other.name for other in made):
                raise SettingError(f"{path}: two checkpoints are called '{row.name}'")
            made.append(row)
    return tuple(made)
