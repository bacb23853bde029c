"""A folder of TOML files that are found by their names: recipes, ensembles, captioners, tasks.

Each kind lies in a folder of the package, and in one of the same name in every plug-in folder (`hark.core.component`).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hark.core import component
from hark.core.errors import SettingError
from hark.core.settings import suggest


@dataclass(frozen=True)
class Shelf:
    """The files of one kind; `noun` is what one of them is called in messages."""

    folder: str
    noun: str

    def names(self) -> list[str]:
        """The names of all, sorted."""
        found = {path.relative_to(folder) for folder in self._folders() for path in folder.rglob("*.toml")}
        return sorted(path.with_suffix("").as_posix() for path in found)

    def find(self, name: str) -> Path:
        """The file of that name ("mini", "laion-2022/htsat"), or the .toml file at that path.

        Raises SettingError, with the nearest known name.
        """
        if name.endswith(".toml"):
            path = Path(name).expanduser()
            if path.is_file():
                return path
            raise SettingError(f"{name}: no such {self.noun} file")
        for folder in self._folders() if ".." not in Path(name).parts else ():
            path = (folder / f"{name}.toml").resolve()
            if path.is_file() and path.is_relative_to(folder.resolve()):
                return path
        raise SettingError(f"no {self.noun} '{name}'; {suggest(name, self.names())}")

    def text(self, name: str) -> tuple[str, str]:
        """What stands in the file of that name or path, and what it is called: the name, or a path's last part.

        Raises SettingError.
        """
        path = self.find(name)
        try:
            source = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"{path}: cannot be read ({error})") from None
        return source, path.stem if name.endswith(".toml") else name

    def settings(self, source: str, *, name: str) -> dict[str, Any]:
        """The settings in a TOML text, and `name`, which is its file's name without the suffix.

        Raises SettingError.
        """
        try:
            settings = tomllib.loads(source)
        except tomllib.TOMLDecodeError as error:
            raise SettingError(f"{name}.toml: not TOML ({error})") from None
        if "name" in settings:
            what = f"the file's name is the {self.noun}'s name, delete the line"
            raise SettingError(f"{name}.toml: name: unknown setting; {what}")
        return {"name": name, **settings}

    def _folders(self) -> list[Path]:
        folders = [root / self.folder for root in (component.PACKAGE, *component.plugin_folders())]
        return [folder for folder in folders if folder.is_dir()]
